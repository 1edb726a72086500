"""counted.py LIBRARY TIMES: works. count.c prints what it has counted meanwhile: raw, memory and object, calls and bytes each."""

import ctypes
import json
import sys

library = ctypes.CDLL(sys.argv[1])
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.realloc.restype = libc.calloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.calloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
libc.realloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]


class Node:
    def __init__(self, value):
        self.value, self.text = value, str(value) * 3


def numbers(count):
    for number in range(count):
        yield number * 1000


def work(times):
    for number in range(times):
        kept = [Node(value) for value in numbers(50)]
        table = {node.text: node for node in kept}
        b"".join(b"x" * (number % 700) for _ in range(20))
        json.loads(json.dumps({key: value.value for key, value in table.items()}))
        bytearray(3000 + number).extend(b"y" * 5000)
        block = libc.malloc(100 + number)
        block = libc.realloc(block, 40_000)
        libc.free(block)
        libc.free(libc.calloc(7, 9))
        # through malloc, by the interpreter
        sorted(range(2000), key=lambda value: -value)
        try:
            raise ValueError(number)
        except ValueError:
            pass


work(3)
library.count_begin()
work(int(sys.argv[2]))
library.count_end()
