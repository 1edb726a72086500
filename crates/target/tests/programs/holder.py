"""A process with a port, a lock and a file of its own, that starts itself anew when it is told to.

Its arguments after `exec`: the file, and the descriptor that was kept open over the exec.
"""

import fcntl
import os
import socket
import sys

if len(sys.argv) > 2:
    path, descriptor = sys.argv[1], int(sys.argv[2])
    print("again", flush=True)
else:
    path = sys.argv[1]
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(descriptor, True)
    fcntl.lockf(descriptor, fcntl.LOCK_EX)
    server = socket.create_server(("127.0.0.1", 0))
    print("ready", flush=True)
    print(server.getsockname()[1], flush=True)
for line in sys.stdin:
    if line == "exec\n":
        os.execv(sys.executable, [sys.executable, os.environ["PROGRAM"], path, str(descriptor)])
    if line == "end\n":
        break
