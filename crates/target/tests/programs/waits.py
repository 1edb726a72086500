# One raw system call that waits, made when told which; then what it gave and whether it ended too early.
import atexit, ctypes, os, select, signal, socket, sys, time

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


class Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("ns", ctypes.c_long)]


class Poll(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]


MS = 1_000_000
HOLD = 300 * MS
read_end, write_end = os.pipe()
server = socket.create_server(("127.0.0.1", 0))
epoll = select.epoll()
epoll.register(read_end, select.EPOLLIN)
events = ctypes.create_string_buffer(64)
buffer = ctypes.create_string_buffer(8)
word = ctypes.c_int(7)
usr1 = ctypes.c_uint64(1 << (signal.SIGUSR1 - 1))


# a semaphore of System V, gone at the end of this process
semaphore = libc.semget(0, 1, 0o600)
atexit.register(libc.semctl, semaphore, 0, 0)
take = (ctypes.c_short * 3)(0, -1, 0)


def length(ns):
    return ctypes.byref(Time(ns // 10**9, ns % 10**9))


def absolute():
    end = time.monotonic_ns() + HOLD
    return libc.clock_nanosleep(1, 1, length(end), None)


# those that end by themselves after HOLD, and those that end by what the test does then
timed = {
    "nanosleep": lambda: libc.nanosleep(length(HOLD), None),
    "clock_nanosleep": absolute,
    "poll": lambda: libc.poll(ctypes.byref(Poll(read_end, 1, 0)), 1, HOLD // MS),
    "ppoll": lambda: libc.ppoll(ctypes.byref(Poll(read_end, 1, 0)), 1, length(HOLD), ctypes.byref(usr1)),
    "select": lambda: len(select.select([read_end], [], [], HOLD / 1e9)[0]),
    "futex": lambda: libc.syscall(202, ctypes.byref(word), 0, 7, length(HOLD), None, 0),
    "epoll.poll": lambda: len(epoll.poll(HOLD / 1e9)),
}
# those that the kernel does not go on with after a stop, as it would not after a signal: the end of these is the look
LONG = 600 * 1000 * MS
cut = {
    "sigtimedwait": lambda: libc.sigtimedwait(ctypes.byref(usr1), None, length(LONG)),
    "epoll_wait": lambda: libc.epoll_wait(epoll.fileno(), events, 1, LONG // MS),
    "semtimedop": lambda: libc.semtimedop(semaphore, ctypes.byref(take), 1, length(LONG)),
}
told = {
    "read": lambda: libc.read(read_end, buffer, 1),
    "poll for ever": lambda: (libc.poll(ctypes.byref(Poll(read_end, 1, 0)), 1, -1), libc.read(read_end, buffer, 1)),
    "epoll_wait for ever": lambda: (libc.epoll_wait(epoll.fileno(), events, 1, -1), libc.read(read_end, buffer, 1)),
    "accept": lambda: libc.accept(server.fileno(), None, None) > 0,
    "sigwaitinfo": lambda: libc.sigwaitinfo(ctypes.byref(usr1), None),
    "waitpid": lambda: child_ends(),
    "in a handler": lambda: in_handler(),
    "busy": lambda: busy(),
}


def child_ends():
    pid = os.fork()
    if pid == 0:
        os.read(read_end, 1)
        os._exit(7)
    status = ctypes.c_int()
    return libc.waitpid(-1, ctypes.byref(status), 0) == pid and status.value == 7 << 8


def in_handler():
    # in the handler of a signal, itself in a system call, above another one that was interrupted
    seen = []
    signal.signal(signal.SIGUSR2, lambda *_: seen.append(os.read(read_end, 1)))
    os.kill(os.getpid(), signal.SIGUSR2)
    return seen


def busy():
    total = 0
    os.set_blocking(read_end, False)
    while True:
        total += sum(range(1000)) - 499500
        try:
            os.read(read_end, 1)
            os.set_blocking(read_end, True)
            return total
        except BlockingIOError:
            pass


signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
print("ready", flush=True)
print(write_end, server.getsockname()[1], flush=True)
for line in sys.stdin:
    name = line.strip()
    call = {**timed, **cut, **told}[name]
    print("waiting", flush=True)
    ctypes.set_errno(0)
    began = time.monotonic_ns()
    result = call()
    took = time.monotonic_ns() - began
    error = ctypes.get_errno()
    # (a wait that began anew with each look would never end while there are looks)
    early = name in timed and took < HOLD
    print((name, result, error, early), flush=True)
