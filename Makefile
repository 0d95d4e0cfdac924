# make demo | test | lint | coverage | bench ; ARGS="..." goes to pytest, PYTHON=python3.13 chooses the interpreter.
# Everything runs on the package as installed from a wheel into a virtual environment of its own, never on src/.

ifndef PYTHON
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
.PHONY: demo test test-pure test-compiled lint coverage vectors interop churn fuzz costly hostile soak docs field bench bench-plots clean
.DEFAULT_GOAL := test

demo: .venv/installed
	@.venv/bin/python -P -m likewise demo

test: test-pure test-compiled

test-pure: .venv-pure/installed
	@echo "== tests on the pure build"
	@.venv-pure/bin/python $(PYTEST) $(ARGS)

# LIKEWISE_COMPILED=require says that a missing compiler is a failure here, too.
test-compiled: .venv-compiled/created
	@if .venv-compiled/bin/python -c "$$CAN_COMPILE"; then \
		$(MAKE) -s --no-print-directory .venv-compiled/installed && \
		echo "== tests on the compiled build" && \
		.venv-compiled/bin/python $(PYTEST) $(ARGS); \
	elif [ "$$LIKEWISE_COMPILED" = require ]; then \
		echo "== no C compiler (or no Python headers), and LIKEWISE_COMPILED=require" >&2; exit 1; \
	else \
		echo "== no C compiler (or no Python headers) here: the compiled build is not tested"; \
	fi

lint: .venv-lint/installed
	@.venv-lint/bin/ruff check .
	@.venv-lint/bin/mypy --strict

# The compiled build can't be traced, hence the pure one.
coverage: .venv-pure/installed
	@echo "== coverage on the pure build"
	@mkdir -p build
	@.venv-pure/bin/python $(PYTEST) --cov --cov-report=term --cov-report=json:build/coverage.json $(ARGS)
	@.venv-pure/bin/python -c "$$COVERAGE_GATE" build/coverage.json $(CORE)

vectors: .venv-pure/installed
	@.venv-pure/bin/python $(PYTEST) -k vector $(ARGS)

interop: .venv-pure/installed
	@.venv-pure/bin/python $(PYTEST) tests/interop $(ARGS)

churn: .venv-pure/installed
	@.venv-pure/bin/python -P tests/churn.py $(ARGS)

# likewise.spread under the programs of others: Buildbot, and all of Twisted's documentation. Fetches both; takes minutes.
field: .venv-field/installed
	@.venv-field/bin/python $(PYTEST) tests/field $(ARGS)

# SECONDS for each target. Atheris joins in where it is installed: .venv-pure/bin/pip install atheris
fuzz: .venv-pure/installed
	@.venv-pure/bin/python -P fuzz/run.py all --seconds $(SECONDS)
	@.venv-pure/bin/python -P fuzz/differential.py
	@if .venv-pure/bin/python -c 'import atheris' 2>/dev/null; then \
		for each in framer decoder broker; do .venv-pure/bin/python -P fuzz/guided.py $$each --seconds $(SECONDS) || exit 1; done; \
	else echo "atheris is not installed in .venv-pure: no coverage-guided fuzzing"; fi

# The costliest messages at these limits, on the compiled build, for SECONDS; fails over the bound. LIMITS=public, TARGET=decoder
LIMITS := default
TARGET := broker
costly: .venv-compiled/installed
	@.venv-compiled/bin/python -P fuzz/costly.py --seconds $(SECONDS) --limits $(LIMITS) --target $(TARGET) $(ARGS)

hostile: .venv-pure/installed
	@.venv-pure/bin/python -P tests/hostile/run.py $(ARGS)

soak: .venv-pure/installed
	@.venv-pure/bin/python -P tests/soak.py $(ARGS)

# A link that leads nowhere is an error. The examples on the pages are checked by the tests.
docs: .venv-docs/installed
	@.venv-docs/bin/python -m sphinx -q -W --keep-going -b html docs build/docs
	@echo "build/docs/index.html"

# make bench PEERS="likewise-uv twisted" WORK="W1 W5:1000 codec" REPEAT=3 ; ARGS="--list" names all there are.
# Only a whole run writes bench/RESULTS.md; what is chosen is shown. CASE_SECONDS is how long W1 to W4 are measured, each time;
# SECONDS_AT_MOST bounds the run.
REPEAT := 3
CASE_SECONDS := 1.5
SECONDS_AT_MOST := 3600
bench: .venv-bench/installed
	@.venv-bench/bin/python -m bench --repeat $(REPEAT) --case-seconds $(CASE_SECONDS) --seconds $(SECONDS_AT_MOST) \
		$(if $(PEERS)$(WORK),--peers '$(PEERS)' --work '$(WORK)',--output bench/RESULTS.md) $(ARGS)

# The plots in docs/images, and their numbers in bench/SCALING.md.
bench-plots: .venv-bench/installed
	@.venv-bench/bin/python -m bench.scaling $(ARGS)

clean:
	rm -rf .venv .venv-pure .venv-compiled .venv-lint .venv-docs .venv-field .venv-bench build dist src/*.egg-info

# -- environments --------------------------------------------------------------------------------------------

.venv/created .venv-pure/created .venv-compiled/created .venv-lint/created .venv-docs/created .venv-field/created .venv-bench/created:
	@if [ -z "$(PYTHON)" ]; then echo "likewise needs Python 3.11 or newer; name it with PYTHON=..." >&2; exit 1; fi
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) can't make virtual environments: its modules venv and ensurepip are missing." >&2; \
		echo "On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@rm -rf $(@D)
	@$(PYTHON) -m venv $(@D)
	@touch $@

.venv/installed: .venv/created $(SOURCES)
	$(call install,.)
	@touch $@

.venv-pure/installed: .venv-pure/created $(SOURCES)
	$(call install,.[test],LIKEWISE_PURE=1 LIKEWISE_COMPILED=)
	@$(@D)/bin/python -P -c "$$CHECK_BUILD" pure
	@touch $@

.venv-compiled/installed: .venv-compiled/created $(SOURCES)
	$(call install,.[test],LIKEWISE_PURE= LIKEWISE_COMPILED=require)
	@$(@D)/bin/python -P -c "$$CHECK_BUILD" compiled
	@touch $@

# Both builds: the compiled one as it is installed, the pure one beside it, for the peers that are named so.
.venv-bench/installed: .venv-bench/created $(SOURCES)
	$(call install,.[bench],LIKEWISE_PURE= LIKEWISE_COMPILED=require)
	@$(@D)/bin/python -P -c "$$CHECK_BUILD" compiled
	@rm -rf $(@D)/pure
	$(call install,.,LIKEWISE_PURE=1 LIKEWISE_COMPILED=,--no-deps --target $(@D)/pure)
	@touch $@

# The tools and the typed packages that the source imports; the source itself is read where it lies.
.venv-lint/installed: .venv-lint/created pyproject.toml
	$(call install,.[dev$(,)twisted$(,)uvloop$(,)login],LIKEWISE_PURE=1 LIKEWISE_COMPILED=)
	@$(@D)/bin/python $(PIP) uninstall --yes likewise
	@touch $@

.venv-docs/installed: .venv-docs/created pyproject.toml
	$(call install,.[docs],LIKEWISE_PURE=1 LIKEWISE_COMPILED=)
	@touch $@

.venv-field/installed: .venv-field/created $(SOURCES)
	$(call install,.[test],LIKEWISE_PURE=1 LIKEWISE_COMPILED=)
	@$(@D)/bin/python $(PIP) install buildbot buildbot-worker
	@$(@D)/bin/python $(PIP) download --no-deps --no-binary twisted --dest build/field \
		"twisted==$$($(@D)/bin/python -c 'import twisted; print(twisted.__version__)')"
	@touch $@

# build/ outlives a build: what is gone from src/ must not come back from there, nor what was made by other rules.
, := ,
define install
@echo "-- installing likewise into $(@D)"
@test -n "$$(find build/rules -newer setup.py -newer pyproject.toml 2>/dev/null)" || rm -rf build
@mkdir -p build && touch build/rules
@find build -path 'build/lib*' \( -name '*.py' -o -name '*.pxd' \) -exec rm -f {} +
@$(2) $(@D)/bin/python $(PIP) install $(3) '$(1)'
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
