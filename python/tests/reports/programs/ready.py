"""The handshake of these programs with `test_reports.py`."""

import sys


def wait() -> None:
    """Says that the trouble is there, and goes on when told to; at the end of input it is time to leave."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if not sys.stdin.readline():
        raise SystemExit
