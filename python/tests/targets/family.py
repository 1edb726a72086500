"""A process with children of every fate, which come and go as it is told.

Requests: `children N`, `chain` (a child with a child), `end PID`, `zombie` (a child that nobody collected yet),
`collect PID`, `storm N` (children that end at once), `exec PROGRAM` (a child that runs another program, which reads
its standard input), `grow MIB`.
"""

import json
import os
import signal
import sys

# Children wait for its end, which comes with that of this process.
END, HOLD = os.pipe()
KEPT = []


def child(work):
    """Forks; the child does `work` and waits to be ended."""
    global HOLD
    pid = os.fork()
    if pid == 0:
        if HOLD is not None:  # a child's child has it no more
            os.close(HOLD)
            HOLD = None
        try:
            work()
            os.read(END, 1)
        finally:
            os._exit(0)
    return pid


def children(count):
    return {"children": [child(lambda: None) for _ in range(int(count))]}


def chain():
    told, tell = os.pipe()

    def work():
        os.write(tell, b"%d\n" % child(lambda: None))

    middle = child(work)
    last = int(os.read(told, 32))
    os.close(told)
    os.close(tell)
    return {"child": middle, "grandchild": last}


def end(pid):
    os.kill(int(pid), signal.SIGKILL)
    os.waitpid(int(pid), 0)
    return {}


def zombie():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return {"child": pid}


def collect(pid):
    os.waitpid(int(pid), 0)
    return {}


def storm(count):
    for _ in range(int(count)):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    return {"busy": True, "count": int(count)}


def exec_(program):
    """The exec is over when the pipe that it closes is at its end."""
    seen, closes = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(HOLD)
        os.dup2(END, 0)
        os.set_inheritable(0, True)
        os.execv(program, [program])
    os.close(closes)
    os.read(seen, 1)
    os.close(seen)
    return {"child": pid}


def grow(mebibytes):
    KEPT.append(bytearray(b"x") * (int(mebibytes) << 20))
    return {"bytes": int(mebibytes) << 20}


VERBS = {
    "children": children,
    "chain": chain,
    "end": end,
    "zombie": zombie,
    "collect": collect,
    "storm": storm,
    "exec": exec_,
    "grow": grow,
}


def main():
    say(ready=True, pid=os.getpid())
    while True:
        line = os.read(0, 4096).decode().split()
        if not line:
            return
        say(**VERBS[line[0]](*line[1:]))


def say(**fields):
    os.write(1, json.dumps(fields).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
