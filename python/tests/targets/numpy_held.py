"""Arrays that hold all the objects of the program: `numpy_held.py COUNT`."""

import sys

import numpy
import recorder


class Thing:
    def __init__(self, number):
        self.payload = bytearray(1000 + number % 7)


count = int(sys.argv[1])
names = numpy.array(["c%07d" % number for number in range(count)], dtype=object)
table = numpy.empty((40, 500), dtype=object, order="F")
for index in numpy.ndindex(table.shape):
    table[index] = Thing(index[1])
records = numpy.zeros(1000, dtype=[("number", "f8"), ("any", object)])
for index in range(len(records)):
    records["any"][index] = Thing(index)
shown = [names[10:20], table.T, table[3], records["any"], records[5], names[::-1]]

recorder.serve([names, table, records, shown])
