"""What a program can see of being recorded, printed; nothing of it depends on when or where it runs."""

import os
import subprocess
import sys
import threading
import warnings

warnings.simplefilter("always")


def environment():
    names = sorted(name for name in os.environ if name.startswith(("LD_", "MEMSIGHT", "PYTHON")))
    # what the C library has, which os.environ was made from
    listed = subprocess.run(["env"], stdout=subprocess.PIPE, universal_newlines=True).stdout
    return names, sorted(line for line in listed.splitlines() if line.startswith(("LD_", "MEMSIGHT")))


def files():
    return sorted(int(name) for name in os.listdir("/proc/self/fd"))


def main():
    print(environment(), files(), threading.active_count(), len(os.listdir("/proc/self/task")))
    child = os.fork()
    if child == 0:
        blocks = [bytearray(1000 + number) for number in range(1000)]
        os._exit(len(blocks) % 256)
    print(os.waitpid(child, 0)[1])
    warnings.warn("seen")
    threads = [threading.Thread(target=lambda: [bytes(number) for number in range(2000)]) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sum(len(str(number)) for number in range(1000)), flush=True)
    print("an error", file=sys.stderr)
    sys.exit(7)


main()
