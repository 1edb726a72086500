"""Reads a trace as docs/formats/trace.md says, and as slowly as that may be: what memsight's own reader is held against."""

import collections
import json
import struct
import zlib
from dataclasses import dataclass, field

import zstandard

DOMAINS = ("object", "memory", "raw")
REMEMBERED, KEPT = 1 << 20, 1024
MASK = (1 << 64) - 1


@dataclass
class Sums:
    """Of one domain."""

    count: int = 0
    bytes: int = 0


@dataclass
class Trace:
    head: dict = field(default_factory=dict)
    end: dict = field(default_factory=dict)
    # before the interpreter began to end
    domains: dict = field(default_factory=lambda: collections.defaultdict(Sums))
    frees: int = 0
    unknown_frees: int = 0
    threads: set = field(default_factory=set)


class Column:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def difference(self, start=0):
        number = self.number()
        return start + ((number >> 1) ^ -(number & 1))

    def far(self, start):
        number = self.difference() & MASK
        lowest = (number ^ (MASK if number >> 59 & 1 else 0)) >> 60
        return (start + ((number << 4) & MASK | lowest)) & MASK

    def part(self):
        length = self.number()
        self.at += length
        return Column(self.data[self.at - length : self.at])


class Class:
    def __init__(self):
        self.next, self.free = 0, []


def size_class(domain, size):
    if domain < 2 and size <= 512:
        return (max(size, 1) + 15) // 16
    return 32 + (size + 23) // 16 if size <= 1008 else 0


class Events:
    """What is known of the events before, from block to block."""

    def __init__(self, trace):
        self.trace = trace
        self.classes = [Class() for _ in range(97)]
        self.allocations = [(0, 0)] * REMEMBERED
        self.at = self.last = self.freed = self.size = self.stack = self.time = 0
        self.live = set()
        self.is_over = False

    def block(self, data):
        whole = Column(data)
        heads, addresses, sizes, stacks, steps, others = (whole.part() for _ in range(6))
        for head in heads.data:
            kind, upper = head & 7, head >> 3
            if kind == 0:
                self.trace.threads.add(others.number())
            elif kind == 1:
                self.time = others.difference(self.time)
            elif kind == 2:
                if head == 10:
                    self.is_over = True
                else:
                    others.number()
            elif kind < 6:
                self.allocated(kind - 3, upper, addresses, sizes, stacks)
            else:
                self.gone(kind, upper, addresses, steps)

    def allocated(self, domain, upper, addresses, sizes, stacks):
        if not upper & 1:
            self.stack = stacks.difference(self.stack)
        if not upper & 2:
            self.size = sizes.number()
        number = size_class(domain, self.size)
        of = self.classes[number]
        place = upper >> 2
        if place == 0:
            address = addresses.far(of.next)
        elif place == 1:
            address = of.next
        else:
            address = of.free.pop(1 - place)
        of.next = (address + 16 * (number - 32 if number > 32 else number)) & MASK
        self.allocations[self.at % REMEMBERED] = (address, number)
        self.at += 1
        self.live.add(address)
        if not self.is_over:
            sums = self.trace.domains[DOMAINS[domain]]
            sums.count += 1
            sums.bytes += self.size

    def gone(self, kind, upper, addresses, steps):
        if kind == 6 and upper == 0:
            address = self.freed = addresses.far(self.freed)
        else:
            if kind == 6:
                at = self.at - upper
            else:
                at = self.last + (upper - 16 if upper else steps.difference())
            self.last = at % REMEMBERED
            address, number = self.allocations[self.last]
            free = self.classes[number].free
            if len(free) == KEPT:
                del free[: KEPT // 2]
            free.append(address)
        self.trace.frees += 1
        self.trace.unknown_frees += address not in self.live
        self.live.discard(address)


def read(path):
    """The sums of a trace."""
    trace = Trace()
    events, unpack = Events(trace), zstandard.ZstdDecompressor().decompressobj()
    with open(path, "rb") as file:
        assert file.read(16) == b"\x89MSTRACE\r\n\x1a\n\1\0\0\0"
        while head := file.read(16):
            kind, (packed, length, checksum) = head[3], struct.unpack("<III", head[4:])
            data = file.read(packed)
            assert head[:3] == b"MSB" and zlib.crc32(head[:12] + data) == checksum
            block = unpack.decompress(data)
            assert len(block) == length, (kind, len(block), length)
            if kind == 1:
                trace.head = json.loads(block)
            elif kind == 4:
                events.block(block)
            elif kind == 5:
                trace.end = json.loads(block)
    return trace
