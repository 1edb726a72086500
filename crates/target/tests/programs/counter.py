# A thread counts; "past N" is answered when the count is beyond N.
import sys, threading, time

count = 0
kept = [{str(i): [i, float(i)]} for i in range(20_000)]


def counting():
    global count
    while True:
        count += 1
        time.sleep(0)


threading.Thread(target=counting, daemon=True).start()
print("ready", flush=True)
for line in sys.stdin:
    limit = int(line)
    while count <= limit:
        time.sleep(0)
    print(count, flush=True)
