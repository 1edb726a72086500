"""So many blocks that the memory for their events is full long before its end; says in a file how many it has made, and
prints the size and the number at its end."""

import os
import sys

COUNT, SIZE, KEPT, STEP = 1_500_000, 700, 5000, 5000
said = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)


def work():
    kept = [None] * KEPT
    place = 1
    for number in range(COUNT):
        # (in no order, so that what is told of them does not become small)
        place = (place * 69069 + 1) & 0xFFFFFFFF
        kept[(place >> 8) % KEPT] = bytes(SIZE)
        if number % STEP == 0:
            os.pwrite(said, b"%9d" % number, 0)


work()
print(SIZE + sys.getsizeof(b""), COUNT)
