"""How many requests failed, by path: a log that is gone through once."""

from collections import Counter

import inputs


def failed_by_path(path):
    failed = Counter()
    with open(path, encoding="utf-8") as log:
        for line in log.readlines():
            _, _, target, status, _ = line.split()
            if status.startswith(("4", "5")):
                failed[target.partition("?")[0]] += 1
    return failed


for target, count in sorted(failed_by_path(inputs.access_log(300_000)).items()):
    print(f"{count:7} {target}")
