"""steps.py: takes a block of a size that tells the step, keeps it, says so, and goes on until it is killed."""

import itertools

kept = []
for step in itertools.count():
    kept.append(bytes(100_000 + step))
    junk = [{"n": number, "s": str(number)} for number in range(200)]
    print(step, flush=True)
