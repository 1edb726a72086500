# Four threads that compute checksums and a fifth that forks, until told to stop; then the account of errors.
import hashlib, os, sys, threading

stop = threading.Event()
rounds = [0] * 5
wrong = []


def chain(data):
    for _ in range(200):
        data = hashlib.sha256(data * 20).digest()
    return data


def compute(number):
    seed = b"seed %d" % number
    right = chain(seed)
    try:
        while not stop.is_set():
            kept = {str(i): [i, float(i), (i,)] for i in range(300)}
            if chain(seed) != right or sum(v[0] for v in kept.values()) != 299 * 150:
                wrong.append("result")
            rounds[number] += 1
    except BaseException as error:
        wrong.append(repr(error))


def forks():
    try:
        while not stop.is_set():
            child = os.fork()
            if child == 0:
                os._exit(7)
            pid, status = os.waitpid(child, 0)
            if pid != child or os.WEXITSTATUS(status) != 7:
                wrong.append("fork")
            rounds[4] += 1
    except BaseException as error:
        wrong.append(repr(error))


threads = [threading.Thread(target=compute, args=(i,)) for i in range(4)] + [threading.Thread(target=forks)]
for thread in threads:
    thread.start()
print("ready", flush=True)
sys.stdin.readline()
stop.set()
for thread in threads:
    thread.join()
print("wrong:", wrong, flush=True)
print("rounds:", min(rounds) > 0, rounds, flush=True)
