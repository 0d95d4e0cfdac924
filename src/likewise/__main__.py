"""``python -m likewise``."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line."""
    print("likewise: commands come with the next commit", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
