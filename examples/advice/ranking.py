"""Two reports on one log, one after the other: the lines of the first are still there while the second makes its table."""

import inputs


def report(path):
    with open(path, encoding="utf-8") as log:
        lines = log.readlines()
    print(f"{len(lines):,} lines, {sum(len(line) for line in lines):,} letters")
    sizes = {}
    with open(path, encoding="utf-8") as log:
        for number, line in enumerate(log):
            sizes[number] = line.rsplit(None, 1)[1]
    print(f"{len(sizes):,} sizes, the largest {max(map(int, sizes.values())):,}")


report(inputs.access_log(300_000))
