# Three threads that start threads all the time, until told to stop.
import sys, threading

stop = threading.Event()
started = 0


def starting():
    global started
    while not stop.is_set():
        children = [threading.Thread(target=sum, args=(range(500),)) for _ in range(5)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        started += 5


threads = [threading.Thread(target=starting) for _ in range(3)]
for thread in threads:
    thread.start()
print("ready", flush=True)
sys.stdin.readline()
stop.set()
for thread in threads:
    thread.join()
print(started > 0, flush=True)
