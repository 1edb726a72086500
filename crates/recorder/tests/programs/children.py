"""Asks for a block of one size, and has its children ask for such blocks; prints the size with the head of the object."""

import os
import subprocess
import sys

SIZE = 1_234_567
WORK = "[bytearray(number) for number in range(3000)]; bytes(%d)" % SIZE


def main():
    block = bytes(SIZE)
    for _ in range(5):
        child = os.fork()
        if child == 0:
            kept = [bytearray(number) for number in range(3000)]
            kept.append(bytes(SIZE))
            os._exit(0)
        bytearray(3000)
        os.waitpid(child, 0)
    subprocess.check_call([sys.executable, "-c", WORK])
    print(SIZE + sys.getsizeof(b""))
    del block


main()
