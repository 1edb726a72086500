# A thread that stands in a vfork, and one that counts. `posix_spawn` is a vfork whose child opens a file before it
# becomes another program: a FIFO, so that it waits for a writer, in C alone and without need of the GIL.
import ctypes, os, sys, tempfile, threading, time

libc = ctypes.CDLL(None)
folder = tempfile.mkdtemp()
fifo = os.path.join(folder, "gate").encode()
os.mkfifo(fifo)
count = 0


def spawning():
    pid = ctypes.c_int()
    actions = ctypes.create_string_buffer(256)  # posix_spawn_file_actions_t has 80 bytes
    arguments = (ctypes.c_char_p * 2)(b"true", None)
    libc.posix_spawn_file_actions_init(actions)
    libc.posix_spawn_file_actions_addopen(actions, 0, fifo, os.O_RDONLY, 0)
    libc.posix_spawn(ctypes.byref(pid), b"/bin/true", actions, None, arguments, None)
    os.waitpid(pid.value, 0)


def counting():
    global count
    while True:
        count += 1
        time.sleep(0)


def state(tid):
    with open("/proc/self/task/%d/stat" % tid) as stat:
        return stat.read().rpartition(") ")[2][0]


threading.Thread(target=counting, daemon=True).start()
thread = threading.Thread(target=spawning)
thread.start()
while state(thread.native_id) != "D":
    time.sleep(0)
print("ready", flush=True)
for line in sys.stdin:
    if line.startswith("open"):
        os.close(os.open(fifo, os.O_WRONLY))
        thread.join()
        print("joined", flush=True)
    else:
        limit = count
        while count <= limit:
            time.sleep(0)
        print("counting", flush=True)
os.unlink(fifo)
os.rmdir(folder)
