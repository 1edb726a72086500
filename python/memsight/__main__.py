"""``python -m memsight`` and the command ``memsight``."""

from __future__ import annotations

import signal
import sys

from ._errors import Error
from ._platform import native


def main() -> int:
    """Runs the command with the arguments of this process and returns its exit code."""
    # The command ends by itself on Ctrl-C; Python's handler would add a KeyboardInterrupt behind it.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        code: int = native().main(["memsight", *sys.argv[1:]])
        return code
    except Error as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
