"""A process with children of every kind: each keeps seven blocks of a size of its own, and prints its kind, its id and that size."""

import json
import multiprocessing
import os
import subprocess
import sys

BLOCKS = 7
FIRST = 1_000_000
KINDS = [
    "first",
    "fork",
    "grandchild",
    "orphan",
    "exec",
    "subprocess",
    "bare environment",
    "without close_fds",
    "posix_spawn",
    "posix_spawnp",
    "system",
    "popen",
    "shell",
    "child of a shell's child",
    "fork context",
    "spawn context",
    "forkserver context",
    "pool 0",
    "pool 1",
    "pool 2",
    "worker 0",
    "worker 1",
    "worker 2",
]
kept = []


def mark(kind):
    size = FIRST + 1000 * KINDS.index(kind)
    kept.extend([bytes(size) for _ in range(BLOCKS)])
    names = [name for name in os.environ if name in ("LD_PRELOAD", "MEMSIGHT_RECORDER")]
    line = json.dumps({"kind": kind, "pid": os.getpid(), "bytes": size, "seen": names})
    os.write(1, (line + "\n").encode())


def command(kind):
    return [sys.executable, "-B", os.path.abspath(__file__), kind]


def forked(work):
    """Does the work in a child, which leaves without an end of its interpreter."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return pid


def ended(pid):
    assert os.waitpid(pid, 0)[1] == 0


def child():
    mark("fork")
    ended(forked(lambda: mark("grandchild")))


def orphan():
    """A child that outlives its parent: its pipe is closed when it has ended."""
    read, write = os.pipe()

    def leave():
        os.close(read)

        def stay():
            while os.getppid() == parent:
                os.sched_yield()
            mark("orphan")

        parent = os.getpid()
        forked(stay)

    ended(forked(leave))
    os.close(write)
    assert os.read(read, 1) == b""


def pooled(number):
    return number


def initialised(queue, done):
    mark("pool %d" % queue.get())
    done.put(None)


def contexts():
    for name in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(name)
        process = context.Process(target=mark, args=(name + " context",))
        process.start()
        process.join()
        assert process.exitcode == 0
    context = multiprocessing.get_context("spawn")
    queue, done = context.Queue(), context.Queue()
    for number in range(3):
        queue.put(number)
    with context.Pool(3, initialised, (queue, done)) as pool:
        for _ in range(3):
            done.get()
        assert pool.map(pooled, range(30)) == list(range(30))


def prefork():
    """A server whose workers take turns at one socket, as those of gunicorn."""
    import socket

    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()

    def work(number):
        mark("worker %d" % number)
        while True:
            client = server.accept()[0]
            word = client.recv(10)
            client.sendall(word * 2)
            client.close()
            if word == b"end":
                return

    workers = [forked(lambda number=number: work(number)) for number in range(3)]
    for word in [b"ask"] * 20 + [b"end"] * 3:
        with socket.create_connection(server.getsockname()) as client:
            client.sendall(word)
            assert client.recv(10) == word * 2
    for pid in workers:
        ended(pid)


def starts():
    ended(forked(lambda: os.execv(sys.executable, command("exec"))))
    subprocess.check_call(command("subprocess"))
    subprocess.check_call(command("bare environment"), env={})
    subprocess.check_call(command("without close_fds"), close_fds=False)
    ended(os.posix_spawn(sys.executable, command("posix_spawn"), os.environ))
    ended(os.posix_spawnp(sys.executable, command("posix_spawnp"), {}))
    assert os.system(" ".join("'%s'" % word for word in command("system"))) == 0
    print(os.popen(" ".join("'%s'" % word for word in command("popen"))).read(), end="", flush=True)
    subprocess.check_call(["sh", "-c", 'true; "$@"; exit $?', "sh"] + command("shell"))
    subprocess.check_call(["true"])
    assert subprocess.run(["false"], check=False).returncode == 1


def main():
    if len(sys.argv) > 1:
        kind = sys.argv[1]
        mark(kind)
        if kind == "shell":
            subprocess.check_call(["sh", "-c", '"$@" && true', "sh"] + command("child of a shell's child"))
        return
    mark("first")
    ended(forked(child))
    orphan()
    starts()
    prefork()
    contexts()


if __name__ == "__main__":
    main()
