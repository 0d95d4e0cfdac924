"""
With this directory on PYTHONPATH, whoever imports ``twisted.spread`` gets ``likewise.spread``, and nothing else can be
loaded under that name. The process says so in the file that REDIRECTED names.
"""

import importlib
import os
import sys

for name in ("", ".interfaces", ".jelly", ".banana", ".flavors", ".pb", ".publish", ".util"):
    sys.modules["twisted.spread" + name] = importlib.import_module("likewise.spread" + name)

if "REDIRECTED" in os.environ:
    with open(os.environ["REDIRECTED"], "a") as report:
        report.write(f"{os.getpid()} {sys.modules['twisted.spread.pb'].__file__}\n")
