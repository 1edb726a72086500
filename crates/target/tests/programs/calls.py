# Threads that wait in system calls made without Python's own retrying; then what each call gave.
import ctypes, os, select, sys, threading

libc = ctypes.CDLL(None, use_errno=True)
read_end, write_end = os.pipe()
poll_end, poll_write = os.pipe()
results = {}
gate = threading.Barrier(6)
lock = threading.Lock()
lock.acquire()


class Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("ns", ctypes.c_long)]


class Poll(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]


def run(name, call):
    gate.wait()
    ctypes.set_errno(0)
    results[name] = (call(), ctypes.get_errno())


buffer = ctypes.create_string_buffer(8)
poll = Poll(poll_end, select.POLLIN, 0)
semaphore = ctypes.create_string_buffer(64)
libc.sem_init(semaphore, 0, 0)
calls = {
    "nanosleep": lambda: libc.nanosleep(ctypes.byref(Time(3, 0)), None),
    "read": lambda: libc.read(read_end, buffer, 8),
    "poll": lambda: libc.poll(ctypes.byref(poll), 1, -1),
    "sem_wait": lambda: libc.sem_wait(semaphore),
    "lock": lambda: lock.acquire(timeout=60),
}
threads = [threading.Thread(target=run, args=item) for item in calls.items()]
for thread in threads:
    thread.start()
gate.wait()
print("ready", flush=True)
sys.stdin.readline()
os.write(write_end, b"12345678")
os.write(poll_write, b"x")
libc.sem_post(semaphore)
lock.release()
for thread in threads:
    thread.join()
print(sorted(results.items()), flush=True)
