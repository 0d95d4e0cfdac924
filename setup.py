"""Compiles some modules with Cython where that is possible; everything else is said in pyproject.toml.

LIKEWISE_PURE=1            compile nothing
LIKEWISE_COMPILED=require  fail the build if a module can't be compiled
neither                    compile all or, when anything goes wrong, none; the install succeeds either way
"""

import os
import sys
import textwrap
from collections.abc import Collection
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

COMPILED = (  # a module is compiled if its .pxd lies beside it
    "likewise/wire/arriving.py",
    "likewise/wire/framer.py",
    "likewise/wire/keys.py",
    "likewise/wire/reader.py",
    "likewise/wire/sink.py",
    "likewise/wire/writer.py",
    "likewise/jelly/checks.py",
    "likewise/jelly/plans.py",
    "likewise/jelly/encoder.py",
    "likewise/jelly/hashing.py",
    "likewise/jelly/graph.py",
    "likewise/jelly/leaves.py",
    "likewise/jelly/decoder.py",
    "likewise/jelly/salvage.py",
    "likewise/broker/ceilings.py",
    "likewise/broker/core.py",
    "likewise/broker/incoming.py",
    "likewise/broker/link.py",
    "likewise/broker/entries.py",
    "likewise/broker/events.py",
    "likewise/broker/messages.py",
    "likewise/broker/names.py",
    "likewise/broker/tables.py",
    "likewise/broker/outbox.py",
    "likewise/broker/fanout.py",
    "likewise/objects/by_reference.py",
    "likewise/serving/account.py",
    "likewise/serving/calls.py",
    "likewise/asyncio/calls.py",
    "likewise/asyncio/line.py",
)
DIRECTIVES = {  # both builds must behave alike: annotations are no C types, indices are checked
    "language_level": 3,
    "annotation_typing": False,
    "boundscheck": True,
    "wraparound": True,
    "emit_code_comments": False,  # smaller C
    "freethreading_compatible": False,  # nobody has audited it: a free-threaded Python turns its GIL on for these modules
}
C_FLAGS = [] if sys.platform == "win32" else ["-O2", "-g0"]

PURE = os.environ.get("LIKEWISE_PURE", "") not in ("", "0")
REQUIRED = os.environ.get("LIKEWISE_COMPILED", "") == "require"


def extensions() -> list[Extension]:
    if PURE and REQUIRED:
        raise SystemExit("LIKEWISE_PURE=1 and LIKEWISE_COMPILED=require contradict each other")
    if PURE or (sys.implementation.name != "cpython" and not REQUIRED):
        return []
    found = [
        Extension(module.removesuffix(".py").replace("/", "."), [f"src/{module}"], extra_compile_args=C_FLAGS)
        for module in COMPILED
        if Path("src", module).with_suffix(".pxd").exists()
    ]
    if REQUIRED and not found:
        raise SystemExit("LIKEWISE_COMPILED=require, but no module of setup.py's list has a .pxd beside it")
    return found


class AllOrNone(build_ext):
    """Builds every extension; where one fails, takes back the others, for the two builds must not mix."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def run(self) -> None:
        self.remove_built(keep={self.get_ext_filename(each.name) for each in self.extensions})
        try:
            self.translate()
            super().run()
        except (Exception, SystemExit) as error:
            self.remove_built()
            if REQUIRED:
                raise
            reason = textwrap.shorten(f"{type(error).__name__}: {error}", 200)
            self.warn(f"likewise is installed as pure Python, nothing is compiled: {reason}")
            self.become_pure()

    def translate(self) -> None:
        from Cython.Build import cythonize

        translated = cythonize(
            self.extensions,
            build_dir=self.build_temp,  # no C in src/
            include_path=["src"],
            compiler_directives=DIRECTIVES,
            force=self.is_outdated(),
            quiet=True,
        )
        by_name = {each.name: each for each in translated}
        for extension in self.extensions:  # setuptools has its notes on these very objects: they have to stay
            extension.sources = by_name[extension.name].sources
            extension.depends = by_name[extension.name].depends

    def is_outdated(self) -> bool:
        """
        Whether C from an earlier build may have been made by other rules than today's.

        Cython compares it with the module and with those .pxd files that it finds, which are not all:
        ``from likewise.wire cimport native`` is no dependency to it.
        """
        rules = max(file.stat().st_mtime for file in [Path("setup.py"), *Path("src").rglob("*.pxd")])
        made = [Path(self.build_temp, source).with_suffix(".c") for each in self.extensions for source in each.sources]
        return any(file.exists() and file.stat().st_mtime < rules for file in made)

    def remove_built(self, keep: Collection[str] = ()) -> None:
        """Also an earlier build's: build/ outlives a build, and all that lies in it goes into the wheel."""
        for root in [Path(self.build_lib), *([Path("src")] if self.inplace else [])]:
            for built in root.glob(f"likewise/**/*{EXTENSION_SUFFIXES[0]}"):
                if str(built.relative_to(root)) not in keep:
                    built.unlink(missing_ok=True)

    def become_pure(self) -> None:
        """From here on this is a package without extensions, down to the tag in the wheel's name."""
        self.extensions = self.distribution.ext_modules = []
        wheel = self.distribution.command_obj.get("bdist_wheel")
        if wheel is not None:
            wheel.root_is_pure = True


setup(ext_modules=extensions(), cmdclass={"build_ext": AllOrNone})
