"""C structs through cffi and ctypes: memory of their own, callbacks, pointers into each other, array and mmap."""

import array
import ctypes
import mmap

import cffi
from telling import Truth, digest

ffi = cffi.FFI()
ffi.cdef("typedef struct sample { int number; double values[500]; struct sample *next; } sample; double fabs(double);")
libc = ffi.dlopen(None)


class Sample(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int), ("values", ctypes.c_double * 500)]


class Chain:
    """Records that point to each other: each must be held from Python, which cffi does not do."""

    def __init__(self, length: int) -> None:
        self.records = [ffi.new("sample *") for _ in range(length)]
        for number, (record, after) in enumerate(zip(self.records, self.records[1:])):
            record.number, record.next = number, after
        self.called = ffi.callback("int(int)", lambda value: value + length)


CHAINS = [Chain(40) for _ in range(40)]
SAMPLES = [Sample(number) for number in range(2000)]
TABLE = (Sample * 1000)()
ARRAYS = [array.array("d", range(2000)) for _ in range(200)]
VIEWS = [memoryview(each)[10:] for each in ARRAYS]
MAPPED = [mmap.mmap(-1, 1 << 20) for _ in range(8)]
for each in MAPPED:
    each[:] = bytes(1 << 20)


def work() -> object:
    totals = []
    for chain in CHAINS:
        record, total = chain.records[0], 0
        while record:
            total, record = total + record.number, record.next
        totals.append(chain.called(total))
    return digest(totals, libc.fabs(-2.5), sum(view[0] for view in VIEWS), TABLE[7].number, MAPPED[3][:9])


truth = Truth("cffi")
truth.instances(Chain)
truth.objects("__main__.Sample", lambda: len(SAMPLES))
size = ctypes.sizeof(Sample)
truth.native([Sample], lambda: size * len(SAMPLES), "ctypes.sizeof")
truth.native(["__main__.Sample_Array_1000"], lambda: size * 1000, "ctypes.sizeof")
truth.native([array.array], lambda: sum(each.itemsize * len(each) for each in ARRAYS), "items of the arrays")
truth.native([mmap.mmap], lambda: sum(len(each) for each in MAPPED), "len of the mappings")
truth.native(["_cffi_backend.__CDataOwn"], lambda: 40 * 40 * ffi.sizeof("sample"), "ffi.sizeof of the records")
truth.hand_over(work)
