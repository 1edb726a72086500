"""Runs a command in a terminal of its own, waits for what it shows, and types.

A job comes as JSON on stdin: {"command": [...], "size": [columns, lines], "steps": [[what, value], ...]}.
Steps: see REGEX, never REGEX, type KEYS, signal NAME, stop (waits until the command has stopped), resume, resize SIZE,
storm COUNT (processes born and dead), leave (a process of ours, whose pid stands for PID in all of this, ends), end
(waits for the end). The answer on stdout is JSON, too.
"""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

DEADLINE_S = 100  # only a hang is that slow
MOVES = re.compile(r"\x1b\[[0-9;]*[HfABCDG]")  # blanks are not written but jumped over
ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|[()].|[=>])")
REDRAW = b"\x0c"
MOST_ALIVE = 40


class Terminal:
    def __init__(self, command, size):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.environ.pop("NO_COLOR", None)
            os.execv(command[0], command)
        self.status = None
        self.raw = b""
        self.seen_from = 0
        self.resize(size)

    def resize(self, size):
        columns, lines = size
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, seconds):
        """Takes what is there within that time; False when the command has closed the terminal."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            got = os.read(self.master, 65536)
        except OSError:
            return False
        self.raw += got
        return bool(got)

    def drain(self):
        """Takes what is there, until nothing comes for a moment; a screen that never rests is left after a few."""
        for _ in range(5):
            before = len(self.raw)
            self.read(0.1)
            if len(self.raw) == before:
                return

    def text(self, start=0):
        text = MOVES.sub(" ", self.raw[start:].decode("utf-8", "replace"))
        return re.sub(" +", " ", ESCAPES.sub("", text))

    def see(self, pattern):
        """Lets everything be drawn anew until the pattern is on the screen: changes alone may lack parts of it."""
        began = time.monotonic()
        self.drain()  # or an escape that was typed would become one key with what comes now
        while time.monotonic() - began < DEADLINE_S:
            start = len(self.raw)
            os.write(self.master, REDRAW)
            drawn = time.monotonic()
            while time.monotonic() - drawn < 0.3:
                if not self.read(0.05):
                    raise Wrong(f"ended before it showed {pattern!r}")
                if re.search(pattern, self.text(start), re.DOTALL):
                    return
        raise Wrong(f"never showed {pattern!r}")

    def started(self):
        """Waits until the command has taken the terminal: before that, it would echo what is typed."""
        began = time.monotonic()
        while b"\x1b[?1049h" not in self.raw:
            if not self.read(0.1) or time.monotonic() - began > DEADLINE_S:
                raise Wrong("never took the terminal")

    def wait_for(self, flags):
        began = time.monotonic()
        while time.monotonic() - began < DEADLINE_S:
            self.read(0.01)
            pid, status = os.waitpid(self.pid, os.WNOHANG | flags)
            if pid:
                return status
        raise Wrong("did not end or stop")

    def given_back(self):
        """Whether the terminal is as a shell wants it."""
        lflag = termios.tcgetattr(self.master)[3]
        modes = bool(lflag & termios.ECHO) and bool(lflag & termios.ICANON)
        left = self.raw.rfind(b"\x1b[?1049l") > self.raw.rfind(b"\x1b[?1049h")
        shown = self.raw.rfind(b"\x1b[?25h") > self.raw.rfind(b"\x1b[?25l")
        return modes and left and shown

    def storm(self, count):
        """Processes that are Python, and most of which live shorter than an interval."""
        alive = []
        for number in range(count):
            pid = os.fork()
            if pid == 0:
                if number % 7 == 0:
                    time.sleep(0.2)  # some are there long enough to be looked at from near
                os._exit(0)
            alive.append(pid)
            if len(alive) > MOST_ALIVE:
                os.waitpid(alive.pop(0), 0)
            self.read(0)
        for pid in alive:
            os.waitpid(pid, 0)


class Wrong(Exception):
    pass


def run(job):
    target = subprocess.Popen([sys.executable, "-c", "print(1, flush=True); input()"], stdin=-1, stdout=-1, stderr=-3)
    target.stdout.readline()
    job = json.loads(json.dumps(job).replace("PID", str(target.pid)))
    terminal = Terminal(job["command"], job["size"])
    stopped_well = None
    try:
        terminal.started()
        for what, value in job["steps"]:
            if what == "see":
                terminal.see(value)
            elif what == "type":
                os.write(terminal.master, value.encode())
            elif what == "signal":
                os.kill(terminal.pid, getattr(signal, value))
            elif what == "stop":
                if not os.WIFSTOPPED(terminal.wait_for(os.WUNTRACED)):
                    raise Wrong("did not stop")
                terminal.drain()
                stopped_well = terminal.given_back()
            elif what == "resume":
                os.kill(terminal.pid, signal.SIGCONT)
            elif what == "resize":
                terminal.resize(value)
            elif what == "storm":
                terminal.storm(value)
            elif what == "leave":
                target.communicate()
            elif what == "end":
                terminal.status = terminal.wait_for(0)
        if terminal.status is None:
            raise Wrong("the steps do not end")
        code = os.waitstatus_to_exitcode(terminal.status)
        return {
            "code": code,
            "given_back": terminal.given_back(),
            "stopped_well": stopped_well,
            "text": terminal.text(),
        }
    except (Wrong, OSError) as wrong:
        return {"wrong": f"{wrong}: {terminal.text()[-2000:]!r}"}
    finally:
        target.communicate()
        if terminal.status is None:
            os.kill(terminal.pid, signal.SIGKILL)
            os.waitpid(terminal.pid, 0)


if __name__ == "__main__":
    json.dump(run(json.load(sys.stdin)), sys.stdout)
