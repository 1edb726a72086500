"""Bytes that a web server has sent: two sums over all lines of its log."""

import inputs


def traffic(path):
    with open(path, encoding="utf-8") as log:
        sizes = [int(line.rsplit(None, 1)[1]) for line in log]
        total = sum(sizes)
    with open(path, encoding="utf-8") as log:
        largest = max([int(line.rsplit(None, 1)[1]) for line in log])
    return total, largest


print("{:,} bytes, the largest answer {:,}".format(*traffic(inputs.access_log(300_000))))
