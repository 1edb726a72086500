"""Looking at this very process.

A process cannot stop itself and read itself at once, so a short-lived helper (this module in a second interpreter)
looks at it, leaves a snapshot in a temporary folder that only this user can read, and ends.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from ._errors import Error, error
from ._platform import native

if TYPE_CHECKING:
    from . import _native

_FAILED = 3

# The helper imports memsight from where this process has it, and nothing from its working directory.
_HELPER = """
import sys
sys.path[:] = [path for path in sys.path if path] + [sys.argv[1]]
from memsight._own import serve
sys.exit(serve(sys.argv[2:]))
"""


# a snapshot of this very process may take what it takes
_NO_LIMIT = (1 << 64) - 1


def look(mode: str, values: bool) -> _native.Heap:
    """The heap of this process, as a helper sees it."""
    import shutil
    import tempfile

    if not sys.executable:
        hint = "look from outside: memsight snapshot PID"
        raise Error("MS-E111", hint, "this process does not know its Python (sys.executable is empty)")
    folder = tempfile.mkdtemp(prefix="memsight-")
    try:
        path = os.path.join(folder, "own.heap")
        _run([str(os.getpid()), mode, str(int(values)), path])
        heap: _native.Heap = native().load(path, None, None, False, _NO_LIMIT)
        return heap
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(arguments: list[str]) -> None:
    """Runs the helper to its end."""
    import subprocess

    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    command = [sys.executable, "-S", "-c", _HELPER, home, *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as helper:
        native().allow_tracer(helper.pid)
        try:
            # it waits for this byte, so that it cannot look before it is allowed to; the GIL is free meanwhile
            answer, complaint = helper.communicate(b"!")
        except BaseException:
            helper.kill()
            raise
        finally:
            native().allow_tracer(None)
    if helper.returncode == _FAILED:
        raise error(*json.loads(answer))
    if helper.returncode != 0:
        said = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        hint = "look from outside: memsight snapshot PID"
        raise Error("MS-E112", hint, f"the helper process ended with {helper.returncode}: {said}")


def serve(arguments: list[str]) -> int:
    """The helper: looks at a process when told to, and saves what it saw."""
    pid, mode, values, path = arguments
    sys.stdin.buffer.read(1)
    try:
        native().look(int(pid), mode, values == "1").save(path, False)
    except Error as failed:
        print(json.dumps([failed.code, failed.hint, failed.message]))
        return _FAILED
    return 0
