"""``python -m likewise``, and the console script ``likewise``."""

from __future__ import annotations

import sys

from .cli.commands import main

if __name__ == "__main__":
    sys.exit(main())

__all__ = ("main",)
