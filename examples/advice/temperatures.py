"""A year of temperatures and their moving mean: numbers that are all floats."""

import inputs


def mean(path, window):
    values = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            values.append(float(line))
    warmest = total = 0.0
    for at in range(len(values)):
        total += values[at]
        if at >= window:
            total -= values[at - window]
            warmest = max(warmest, total / window)
    return warmest


print(f"warmest week: {mean(inputs.readings(500_000), 168):.3f}")
