# A service that does everything at once: it answers HTTP, forks and waits for any child, handles signals, sleeps, waits
# for locks; and notes whatever goes otherwise than it should. The line "stop" ends it with what it noted.
import ctypes, errno, http.server, os, resource, select, signal, sys, threading, time, urllib.request

libc = ctypes.CDLL(None, use_errno=True)
wrong, done, stop = [], {}, threading.Event()
alarms = 0


def on_alarm(number, frame):
    global alarms
    alarms += 1


def chld(number, frame):
    chld.count += 1


chld.count = 0
signal.signal(signal.SIGUSR1, on_alarm)
signal.signal(signal.SIGCHLD, chld)
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGWINCH})


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.path.encode() * 100
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        wrong.append(("server", repr(sys.exc_info()[1])))


server = Server(("127.0.0.1", 0), Handler)


def repeat(name, action):
    def run():
        # A signal for the process may interrupt any thread's call, looks or no looks. Python takes it up again; what is
        # called without Python has to be spared, so that nothing but a look could interrupt it.
        if action in raw:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGCHLD})
        rounds = 0
        while not stop.is_set():
            try:
                found = action(rounds)
            except BaseException as error:
                found = repr(error)
            if found is not None:
                wrong.append((name, rounds, found))
            rounds += 1
        done[name] = rounds

    return threading.Thread(target=run)


def request(rounds):
    path = "/%d" % rounds
    with urllib.request.urlopen("http://127.0.0.1:%d%s" % (server.server_port, path), timeout=60) as answer:
        body = answer.read()
    return None if body == path.encode() * 100 else body


def fork(rounds):
    # its own child and no other, once, with its own status
    pid = os.fork()
    if pid == 0:
        os._exit(rounds % 200)
    found = os.waitpid(-1, 0)
    if found != (pid, rounds % 200 << 8):
        return (pid, found)
    try:
        return os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None


class Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("ns", ctypes.c_long)]


def nap(rounds):
    began = time.monotonic_ns()
    ctypes.set_errno(0)
    result = libc.nanosleep(ctypes.byref(Time(0, 3_000_000)), None)
    early = time.monotonic_ns() - began < 3_000_000
    return (result, ctypes.get_errno(), early) if result or early else None


def until(rounds):
    # an absolute time on the monotonic clock
    end = time.monotonic_ns() + 4_000_000
    result = libc.clock_nanosleep(1, 1, ctypes.byref(Time(end // 10**9, end % 10**9)), None)
    return (result,) if result or time.monotonic_ns() < end else None


read_end, write_end = os.pipe()


def pipe(rounds):
    if rounds % 2 == 0:
        threading.Timer(0.002, os.write, (write_end, b"12345678")).start()
        buffer = ctypes.create_string_buffer(8)
        ctypes.set_errno(0)
        result = libc.read(read_end, buffer, 8)
        return None if (result, buffer.raw) == (8, b"12345678") else (result, ctypes.get_errno())


idle_read, idle_write = os.pipe()


class Poll(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]


def poll(rounds):
    began = time.monotonic_ns()
    result = libc.poll(ctypes.byref(Poll(idle_read, select.POLLIN, 0)), 1, 5)
    early = time.monotonic_ns() - began < 5_000_000
    return (result, early) if result or early else None


lock = threading.Lock()
lock.acquire()


def wait(rounds):
    began = time.monotonic_ns()
    result = lock.acquire(timeout=0.005)
    return (result,) if result or time.monotonic_ns() - began < 5_000_000 else None


def sleep(rounds):
    began = time.monotonic_ns()
    time.sleep(0.003)
    early = time.monotonic_ns() - began < 3_000_000
    return (early,) if early else None


py_read_end, py_write_end = os.pipe()


def read(rounds):
    threading.Timer(0.002, os.write, (py_write_end, b"12345678")).start()
    found = os.read(py_read_end, 8)
    return None if found == b"12345678" else found


poller, epoll = select.poll(), select.epoll()
poller.register(idle_read, select.POLLIN)
epoll.register(idle_read, select.EPOLLIN)


def readiness(rounds):
    began = time.monotonic_ns()
    found = poller.poll(5) if rounds % 2 else epoll.poll(0.005)
    early = time.monotonic_ns() - began < 5_000_000
    return (found, early) if found or early else None


def count(rounds):
    total = sum(range(5000))
    return None if total == 12497500 else total


def state():
    fields = ("SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd")
    with open("/proc/self/status") as status:
        masks = [line.split()[1] for line in status if line.startswith(fields)]
    limits = [resource.getrlimit(kind) for kind in range(16)]
    return masks, limits, sorted(os.listdir("/proc/self/fd"))[:-1], signal.getitimer(signal.ITIMER_REAL)


raw = {nap, until, pipe, poll}
actions = (request, fork, nap, until, pipe, poll, wait, count, sleep, read, readiness)
workers = [repeat(action.__name__, action) for action in actions]
serving = threading.Thread(target=server.serve_forever)
# the C library installs a handler of its own with the first thread
first = threading.Thread(target=int)
first.start()
first.join()
before = state()
# Masks are per thread: those of the workers are this thread's, and checked at the end through it.
for thread in [serving, *workers]:
    thread.start()
print("ready", flush=True)
for line in sys.stdin:
    if line.startswith("stop"):
        break
    # a signal is handled while the answer is awaited
    seen = alarms
    os.kill(os.getpid(), signal.SIGUSR1)
    while alarms == seen:
        time.sleep(0)
    print("alive", flush=True)
stop.set()
for thread in workers:
    thread.join()
server.shutdown()
serving.join()
# every child that ended was one of ours; signals of the same kind may be one, never more
if chld.count > done["fork"]:
    wrong.append(("SIGCHLD", chld.count, done["fork"]))
try:
    wrong.append(("children", os.waitpid(-1, os.WNOHANG)))
except ChildProcessError:
    pass
if libc.waitpid(-1, None, 0x40000001) != -1:
    wrong.append(("children of any kind",))
while threading.active_count() > 1:
    time.sleep(0)
after = state()
for was, now in zip(before, after):
    if was != now:
        wrong.append(("state", was, now))
print(wrong, min(done.values()) > 0, flush=True)
