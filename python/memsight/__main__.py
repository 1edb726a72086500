"""``python -m memsight`` and the command ``memsight``."""

from __future__ import annotations

import sys

from ._errors import Error
from ._platform import native


def main() -> int:
    """Runs the command with the arguments of this process and returns its exit code."""
    try:
        code: int = native().main(["memsight", *sys.argv[1:]])
        return code
    except Error as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
