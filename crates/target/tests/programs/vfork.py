# A thread that stands in a vfork until its child ends (the child has memory of its own), and one that counts.
import ctypes, os, sys, threading, time

libc = ctypes.CDLL(None)
gate, opener = os.pipe()
CLONE_VFORK, SIGCHLD, SYS_CLONE = 0x4000, 17, 56
count = 0


def spawning():
    if libc.syscall(SYS_CLONE, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0) == 0:
        os.write(1, b"ready\n")
        os.read(gate, 1)
        os._exit(0)


def counting():
    global count
    while True:
        count += 1
        time.sleep(0)


threading.Thread(target=counting, daemon=True).start()
thread = threading.Thread(target=spawning)
thread.start()
for line in sys.stdin:
    if line.startswith("open"):
        os.write(opener, b"x")
        thread.join()
        print("joined", flush=True)
    else:
        limit = count
        while count <= limit:
            time.sleep(0)
        print("counting", flush=True)
