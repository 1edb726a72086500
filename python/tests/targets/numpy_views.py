"""Views of a small part of arrays and bytes, some of which nothing else keeps."""

import numpy
import recorder

ROWS, COLUMNS = 1792, 1024


def part():
    """Ten rows of an array of 14 MiB that nothing else keeps. Untouched zeros take no memory."""
    return numpy.zeros((ROWS, COLUMNS))[100:110]


parts = [part() for _ in range(20)]
large = numpy.zeros((ROWS, COLUMNS))
looked_at = [large[:10], large[10:20]]
most = [numpy.zeros((ROWS, COLUMNS))[:1000] for _ in range(3)]
window = memoryview(bytes(1 << 20))[10:20]
read = numpy.frombuffer(bytearray(1 << 20), dtype="u1")[:100]

recorder.serve([parts, large, looked_at, most, window, read])
