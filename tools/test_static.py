#!/usr/bin/env python3
"""test_static.py BINARY

Whether the static binary of memsight needs nothing but a kernel: no loader, no library, below 18 MB, and at work in a
root directory that holds the binary, /proc and an empty /tmp. There it explains a live Python, keeps and reads a
snapshot, watches a command, and finds receivers of OTLP by name: in /etc/hosts, and by a DNS server.

The second part needs root (chroot, unshare). Without, it is said to be not covered. Standard library only.
"""

from __future__ import annotations

import argparse
import contextlib
import http.server
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 18_000_000
PT_DYNAMIC, PT_INTERP, DT_NULL, DT_NEEDED = 2, 3, 0, 1
# linux/sockios.h, linux/if.h
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
# A service that its nsswitch.conf names and nobody has: what is loaded by that file is not found.
NSSWITCH = "hosts: nonesuch\n"
TARGET = "cache = {str(i): [i] for i in range(50_000)}; import sys; print(1, flush=True); sys.stdin.read()"


def check(what: str, holds: object, told: object = "") -> None:
    if not holds:
        sys.exit(f"test_static.py: not so: {what}\n{told}")
    print(f"  {what}")


def alone(binary: Path) -> None:
    """Its headers ask for no loader and no library."""
    data = binary.read_bytes()
    offset, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    headers = [struct.unpack_from("<IIQQQQQQ", data, offset + size * number) for number in range(count)]
    check("it names no loader", all(header[0] != PT_INTERP for header in headers))
    needed = 0
    for _, _, at, _, _, length, _, _ in (header for header in headers if header[0] == PT_DYNAMIC):
        for tag, _ in struct.iter_unpack("<qQ", data[at : at + length]):
            if tag == DT_NULL:
                break
            needed += tag == DT_NEEDED
    check("it needs no library", needed == 0)
    check(f"{len(data) / 1e6:.1f} MB, below {LARGEST / 1e6:.0f}", len(data) < LARGEST)


class Root:
    """A root directory with next to nothing in it."""

    def __init__(self, path: Path, binary: Path) -> None:
        self.path = path
        for folder in ("proc", "tmp", "etc"):
            (path / folder).mkdir()
        shutil.copy(binary, path / "memsight")
        subprocess.run(["mount", "-t", "proc", "proc", path / "proc"], check=True)
        (path / "etc/hosts").write_text("127.0.0.1 in-hosts.test\n")
        (path / "etc/resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        (path / "etc/nsswitch.conf").write_text(NSSWITCH)

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [shutil.which("chroot") or "/usr/sbin/chroot", self.path, "/memsight", *words],
            env={},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, error = process.communicate()
        return process.returncode, out, error


@contextlib.contextmanager
def python() -> Iterator[int]:
    """A Python outside of that root, with 50,000 lists."""
    target = subprocess.Popen([sys.executable, "-c", TARGET], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert target.stdin and target.stdout
    target.stdout.readline()
    try:
        yield target.pid
    finally:
        target.stdin.close()
        target.wait()


def heaps(root: Root) -> None:
    with python() as pid:
        code, out, error = root.run("heap", str(pid), "types", "--format", "json")
        check("it explains a live Python", code == 0, error)
        lists = [row["count"] for row in json.loads(out)["types"] if row["type"] == "list"]
        check("with all of its lists", lists and lists[0] >= 50_000, out)
        code, _, error = root.run("snapshot", str(pid), "-o", "/tmp/app.heap")
        check("it keeps a snapshot", code == 0, error)
        code, out, error = root.run("ps", "--format", "json")
        check("it lists processes", code == 0 and any(row["pid"] == pid for row in json.loads(out)["processes"]), error)
    code, out, error = root.run("heap", "/tmp/app.heap", "suspects")
    check("it reads a snapshot", code == 0 and "dict" in out, error)
    code, out, error = root.run("watch", "-o", "/tmp/plot.png", "--", "/memsight", "--version")
    check("it watches a command, and draws", code == 0 and (root.path / "tmp/plot.png").stat().st_size > 1000, error)


def answer(query: bytes) -> bytes:
    """The answer of a DNS server that knows one address, of whatever it is asked for."""
    end = query.index(b"\0", 12) + 5
    is_v4 = query[end - 4 : end - 2] == b"\0\1"
    head = query[:2] + b"\x81\x80" + query[4:6] + (b"\0\1" if is_v4 else b"\0\0") + b"\0\0\0\0"
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton("127.0.0.1")
    return head + query[12:end] + (record if is_v4 else b"")


def serve_names(server: socket.socket) -> None:
    while True:
        query, asker = server.recvfrom(4096)
        server.sendto(answer(query), asker)


def names(root: Root) -> None:
    loopback()
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    threading.Thread(target=serve_names, args=(server,), daemon=True).start()
    taken = threading.Event()

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            taken.set()

        def log_message(self, *_: object) -> None:
            pass

    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 4318), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    for name, where in (("in-hosts.test", "/etc/hosts"), ("in-dns.test", "a DNS server")):
        taken.clear()
        with python():
            words = ("--listen", "127.0.0.1:0", "--otlp-endpoint", f"http://{name}:4318", "--otlp-interval", "100ms")
            agent = root.start("agent", *words)
            # (its own patience with a name is shorter)
            pushed = taken.wait(60)
            agent.terminate()
            check(f"it pushes to a name of {where}, whatever nsswitch.conf says", pushed, agent.communicate()[1])


def loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        import fcntl

        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("<16sH14x", b"lo", IFF_UP))


def inside(binary: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Root(Path(folder), binary)
        try:
            heaps(root)
            names(root)
        finally:
            subprocess.run(["umount", root.path / "proc"], check=False)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=Path)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    binary = args.binary.resolve()
    if args.inside:
        return inside(binary)
    alone(binary)
    namespaces = ["unshare", "--mount", "--net", "--"]
    if os.geteuid() != 0 or subprocess.run([*namespaces, "true"], capture_output=True, check=False).returncode != 0:
        print("NOT COVERED: the binary in an empty root, which needs root and namespaces")
        return None
    subprocess.run([*namespaces, sys.executable, __file__, "--inside", str(binary)], check=True)
    print("NOT COVERED: kernels other than this one; receivers behind https, whose certificates an empty root lacks")
    return None


if __name__ == "__main__":
    main()
