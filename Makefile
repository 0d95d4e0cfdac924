# make demo | test | lint | coverage | matrix | bench ; ARGS="..." goes to pytest, PYTHON=3.13 chooses the interpreter.
# Everything runs on the package as installed from a wheel into a virtual environment of its own, never on src/.

# The interpreters that are promised: what `make matrix` and .ci/run look for. Versions, or paths of interpreters.
PYTHONS ?= 3.11 3.12 3.13 3.14

# An interpreter that is named (by its version, command or path) has environments of its own: .venv-pure-3.13 and so on.
ifdef PYTHON
override PYTHON := $(or $(shell .ci/find-python '$(PYTHON)' 2>/dev/null),$(PYTHON))
ON ?= -$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
else
ON :=
PYTHON := $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$each" && break; done)
endif

# A directory is newer than its stamp when a file in it was removed or renamed.
SOURCES := pyproject.toml setup.py README.md $(wildcard examples/*.py) $(shell find src/likewise -name __pycache__ -prune -o \
	\( -type d -o -name '*.py' -o -name '*.pxd' -o -name py.typed \) -print)
SECONDS ?= 20
PIP := -m pip --disable-pip-version-check --no-input -qq
PYTEST := -P -m pytest
CORE := wire jelly objects broker

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: demo test test-pure test-compiled matrix lint coverage vectors interop churn fuzz costly hostile guessers herd soak streams sanitize docs field \
	bench bench-before bench-plots clean
.DEFAULT_GOAL := test

# Pure Python, which takes seconds to install; the compiled build takes a minute or two.
demo:
	@test -e .venv$(ON)/installed || echo "-- the demo runs on an installed likewise, pure Python: 10 seconds or so, most of them for pip"
	@$(MAKE) -s --no-print-directory .venv$(ON)/installed
	@.venv$(ON)/bin/python -P -m likewise demo

test: test-pure test-compiled

test-pure: .venv-pure$(ON)/installed
	@echo "== tests on the pure build"
	@.venv-pure$(ON)/bin/python $(PYTEST) $(ARGS)

# LIKEWISE_COMPILED=require says that a missing compiler is a failure here, too.
test-compiled: .venv-compiled$(ON)/created
	@if .venv-compiled$(ON)/bin/python -c "$$CAN_COMPILE"; then \
		$(MAKE) -s --no-print-directory .venv-compiled$(ON)/installed && \
		echo "== tests on the compiled build" && \
		.venv-compiled$(ON)/bin/python $(PYTEST) $(ARGS); \
	elif [ "$$LIKEWISE_COMPILED" = require ]; then \
		echo "== no C compiler (or no Python headers), and LIKEWISE_COMPILED=require" >&2; exit 1; \
	else \
		echo "== no C compiler (or no Python headers) here: the compiled build is not tested"; \
	fi

# The whole suite on each of PYTHONS that is found: the pure build on the oldest, with coverage, the compiled one on each.
matrix:
	@.ci/matrix $(PYTHONS)

lint: .venv-lint$(ON)/installed
	@.venv-lint$(ON)/bin/ruff check .
	@.venv-lint$(ON)/bin/mypy --strict

# The compiled build can't be traced, hence the pure one.
coverage: .venv-pure$(ON)/installed
	@echo "== coverage on the pure build"
	@mkdir -p build
	@.venv-pure$(ON)/bin/python $(PYTEST) --cov --cov-report=term --cov-report=json:build/coverage.json $(ARGS)
	@.venv-pure$(ON)/bin/python -c "$$COVERAGE_GATE" build/coverage.json $(CORE)

vectors: .venv-pure$(ON)/installed
	@.venv-pure$(ON)/bin/python $(PYTEST) -k vector $(ARGS)

interop: .venv-pure$(ON)/installed
	@.venv-pure$(ON)/bin/python $(PYTEST) tests/interop $(ARGS)

churn: .venv-pure$(ON)/installed
	@.venv-pure$(ON)/bin/python -P tests/churn.py $(ARGS)

# likewise.spread under the programs of others: Buildbot, and all of Twisted's documentation. Fetches both; takes minutes.
field: .venv-field$(ON)/installed
	@.venv-field$(ON)/bin/python $(PYTEST) tests/field $(ARGS)

# SECONDS for each target. Atheris joins in where it is installed: .venv-pure$(ON)/bin/pip install atheris
fuzz: .venv-pure$(ON)/installed
	@.venv-pure$(ON)/bin/python -P fuzz/run.py all --seconds $(SECONDS)
	@.venv-pure$(ON)/bin/python -P fuzz/differential.py
	@if .venv-pure$(ON)/bin/python -c 'import atheris' 2>/dev/null; then \
		for each in framer decoder broker; do .venv-pure$(ON)/bin/python -P fuzz/guided.py $$each --seconds $(SECONDS) || exit 1; done; \
	else echo "atheris is not installed in .venv-pure: no coverage-guided fuzzing"; fi

# The costliest messages at default limits, on the compiled build, for SECONDS; over the bound it fails.
# ARGS="--limits public --target decoder"
costly: .venv-compiled$(ON)/installed
	@.venv-compiled$(ON)/bin/python -P fuzz/costly.py --seconds $(SECONDS) $(ARGS)

hostile: .venv-pure$(ON)/installed
	@.venv-pure$(ON)/bin/python -P tests/hostile/run.py $(ARGS)

# Many guess at one user's password while its owner logs in, by both APIs: MINUTES for each.
MINUTES ?= 10
guessers: .venv-pure$(ON)/installed
	@.venv-pure$(ON)/bin/python -P tests/login/guessers.py --minutes $(MINUTES) $(ARGS)

# Ninety connections send the costliest messages there are while a bystander asks for little, by both APIs.
herd: .venv-compiled$(ON)/installed
	@.venv-compiled$(ON)/bin/python -P tests/serving/herd.py $(ARGS)

soak: .venv-pure$(ON)/installed
	@.venv-pure$(ON)/bin/python -P tests/soak.py $(ARGS)

# A million items of a stream, and as many bytes as pass: how fast, and that memory stays flat.
streams: .venv-compiled$(ON)/installed
	@.venv-compiled$(ON)/bin/python -P tests/streams_at_length.py

# The compiled modules under AddressSanitizer and UBSan (gcc or clang): what their C does out of bounds ends the run. Every object
# is in memory of its own (PYTHONMALLOC), so that nothing hides a stray access. CPython itself leaks at its end: no leaks are sought.
SANITIZED := tests/wire tests/jelly tests/broker tests/objects tests/asyncio
sanitize: .venv-sanitize$(ON)/installed
	@echo "== tests on the compiled build under AddressSanitizer and UBSan"
	@LD_PRELOAD="$$($(SANITIZER_CC) -print-file-name=$(ASAN))" PYTHONMALLOC=malloc \
		ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
		.venv-sanitize$(ON)/bin/python $(PYTEST) $(if $(ARGS),$(ARGS),$(SANITIZED))

# A link that leads nowhere is an error. The examples on the pages are checked by the tests.
docs: .venv-docs$(ON)/installed
	@.venv-docs$(ON)/bin/python -m sphinx -q -W --keep-going -b html docs build/docs
	@echo "build/docs/index.html"

# make bench PEERS="likewise-uv twisted" WORK="W1 W5:1000 codec" REPEAT=3 ; ARGS="--list" names all there are.
# Only a whole run writes bench/RESULTS.md; what is chosen is shown. CASE_SECONDS is how long W1 to W4 are measured, each time;
# SECONDS_AT_MOST bounds the run.
REPEAT := 3
CASE_SECONDS := 1.5
SECONDS_AT_MOST := 3600
bench: .venv-bench$(ON)/installed
	@.venv-bench$(ON)/bin/python -m bench --repeat $(REPEAT) --case-seconds $(CASE_SECONDS) --seconds $(SECONDS_AT_MOST) \
		$(if $(PEERS)$(WORK),--peers '$(PEERS)' --work '$(WORK)',--output bench/RESULTS.md) $(ARGS)

# The same beside an earlier commit, in one run: make bench-before BEFORE=COMMIT, with WORK, REPEAT and the rest as above.
BEFORE_PEERS := likewise-uv likewise-before-uv likewise-pb-uv likewise-before-pb-uv likewise likewise-before spread spread-before
bench-before: .venv-bench$(ON)/installed
	@test -n '$(BEFORE)' || { echo "Say which commit: make bench-before BEFORE=COMMIT"; exit 2; }
	@rm -rf build/before .venv-bench$(ON)/before && mkdir -p build/before
	@git archive '$(BEFORE)' | tar -xf - -C build/before
	@LIKEWISE_PURE= LIKEWISE_COMPILED=require .venv-bench$(ON)/bin/python $(PIP) install --no-deps --target .venv-bench$(ON)/before build/before
	@.venv-bench$(ON)/bin/python -m bench --peers '$(or $(PEERS),$(BEFORE_PEERS))' --work '$(WORK)' --repeat $(REPEAT) \
		--case-seconds $(CASE_SECONDS) --seconds $(SECONDS_AT_MOST) $(ARGS)
	@rm -rf .venv-bench$(ON)/before

# The plots in docs/images, and their numbers in bench/SCALING.md.
bench-plots: .venv-bench$(ON)/installed
	@.venv-bench$(ON)/bin/python -m bench.scaling $(ARGS)

clean:
	rm -rf .venv .venv-* build dist src/*.egg-info

# -- environments --------------------------------------------------------------------------------------------

.venv%/created:
	$(create)

.venv/created:
	$(create)

.venv$(ON)/installed: .venv$(ON)/created $(SOURCES)
	$(call install,demo,,LIKEWISE_PURE=1 LIKEWISE_COMPILED=)
	@touch $@

.venv-pure$(ON)/installed: .venv-pure$(ON)/created $(SOURCES)
	$(call install,pure,[test],LIKEWISE_PURE=1 LIKEWISE_COMPILED=)
	@$(@D)/bin/python -P -c "$$CHECK_BUILD" pure
	@touch $@

.venv-compiled$(ON)/installed: .venv-compiled$(ON)/created $(SOURCES)
	$(call install,compiled,[test],LIKEWISE_PURE= LIKEWISE_COMPILED=require)
	@$(@D)/bin/python -P -c "$$CHECK_BUILD" compiled
	@touch $@

# gcc links the sanitizers by names of its own, clang its one under another.
SANITIZER_CC ?= gcc
ASAN ?= libasan.so
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=undefined
.venv-sanitize$(ON)/installed: .venv-sanitize$(ON)/created $(SOURCES)
	$(call install,sanitize,[test],LIKEWISE_PURE= LIKEWISE_COMPILED=require CC=$(SANITIZER_CC) \
		CFLAGS="$(SANITIZERS) -O1 -g -fno-omit-frame-pointer" LDFLAGS="$(SANITIZERS)")
	@touch $@

# Both builds: the compiled one as it is installed, the pure one beside it, for the peers that are named so.
.venv-bench$(ON)/installed: .venv-bench$(ON)/created $(SOURCES)
	$(call install,bench,[bench],LIKEWISE_PURE= LIKEWISE_COMPILED=require)
	@$(@D)/bin/python -P -c "$$CHECK_BUILD" compiled
	@rm -rf $(@D)/pure
	$(call install,bench-pure,,LIKEWISE_PURE=1 LIKEWISE_COMPILED=,--no-deps --target $(@D)/pure)
	@touch $@

# The tools and the typed packages that the source imports; the source itself is read where it lies.
.venv-lint$(ON)/installed: .venv-lint$(ON)/created pyproject.toml
	$(call install,lint,[dev$(,)twisted$(,)uvloop$(,)login$(,)numpy],LIKEWISE_PURE=1 LIKEWISE_COMPILED=)
	@$(@D)/bin/python $(PIP) uninstall --yes likewise
	@touch $@

.venv-docs$(ON)/installed: .venv-docs$(ON)/created pyproject.toml
	$(call install,docs,[docs],LIKEWISE_PURE=1 LIKEWISE_COMPILED=)
	@touch $@

.venv-field$(ON)/installed: .venv-field$(ON)/created $(SOURCES)
	$(call install,field,[test],LIKEWISE_PURE=1 LIKEWISE_COMPILED=)
	@$(@D)/bin/python $(PIP) install buildbot buildbot-worker
	@$(@D)/bin/python $(PIP) download --no-deps --no-binary twisted --dest build/field \
		"twisted==$$($(@D)/bin/python -c 'import twisted; print(twisted.__version__)')"
	@touch $@

# Built from a copy of the sources in build/from, so that two environments can be made at once and none finds what another
# left. What compiles long stays there for the next time; the sources are copied anew, so that what is gone is gone.
, := ,
define install
@echo "-- installing likewise into $(@D)"
@mkdir -p build/from/$(1)$(ON)
@rm -rf build/from/$(1)$(ON)/src build/from/$(1)$(ON)/examples
@find build/from/$(1)$(ON)/build -path '*/lib*' \( -name '*.py' -o -name '*.pxd' \) -exec rm -f {} + 2>/dev/null || true
@tar -cf - --exclude=__pycache__ pyproject.toml setup.py README.md LICENSE examples src | tar -xf - -C build/from/$(1)$(ON)
@$(3) $(@D)/bin/python $(PIP) install $(4) './build/from/$(1)$(ON)$(2)'
endef

define create
@if [ -z "$(PYTHON)" ]; then echo "likewise needs Python 3.11 or newer; name it with PYTHON=..." >&2; exit 1; fi
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "$(PYTHON) does not run, or is older than Python 3.11." >&2; exit 1; }
@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	echo "$(PYTHON) can't make virtual environments: its modules venv and ensurepip are missing." >&2; \
	echo "On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
@rm -rf $(@D)
@$(PYTHON) -m venv $(@D)
@touch $@
endef

# -- short programs ------------------------------------------------------------------------------------------

define CAN_COMPILE
import os, pathlib, shlex, subprocess, sys, sysconfig, tempfile
compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
with tempfile.TemporaryDirectory() as place:
    source = pathlib.Path(place, "probe.c")
    source.write_text("#include <Python.h>\nint probe(void) { return 0; }\n")
    command = [*compiler, "-shared", "-fPIC", "-I" + sysconfig.get_path("include"), str(source), "-o", place + "/probe.so"]
    try:
        sys.exit(subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0)
    except OSError:
        sys.exit(1)
endef

define CHECK_BUILD
import importlib.machinery, pathlib, sys, sysconfig
import likewise
place = pathlib.Path(likewise.__file__).parent
assert place == pathlib.Path(sysconfig.get_path("platlib"), "likewise"), f"likewise is imported from {place}"
built = sorted(place.rglob("*" + importlib.machinery.EXTENSION_SUFFIXES[0]))
assert bool(built) == (sys.argv[1] == "compiled"), f"{len(built)} compiled modules in the {sys.argv[1]} build"
endef

define COVERAGE_GATE
import json, pathlib, sys
files = json.loads(pathlib.Path(sys.argv[1]).read_text())["files"]
failed = False
for package in sys.argv[2:]:
    parts = [each["summary"] for name, each in files.items() if f"likewise/{package}/" in name.replace("\\", "/")]
    total = {key: sum(part[key] for part in parts) for key in ("covered_lines", "num_statements", "covered_branches", "num_branches")}
    lines = 100 * total["covered_lines"] / max(1, total["num_statements"])
    branches = 100 * total["covered_branches"] / total["num_branches"] if total["num_branches"] else 100.0
    short = lines < 95 or branches < 95
    failed |= short
    print(f"likewise.{package:8} lines {lines:5.1f} %  branches {branches:5.1f} %" + ("  below 95 %" if short else ""))
sys.exit(failed)
endef

export CAN_COMPILE CHECK_BUILD COVERAGE_GATE
