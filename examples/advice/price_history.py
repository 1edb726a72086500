"""Prices of a day, of which the highest and the lowest are asked for: from copies that nobody changes."""

import inputs


def extremes(path):
    with open(path, encoding="utf-8") as file:
        prices = [int(line.rsplit(";", 1)[1].replace(".", "")) for line in file]
    by_day = list(prices)
    by_night = prices[:]
    highest = lowest = by_day[0]
    for at in range(len(by_day)):
        highest = max(highest, by_day[at])
        lowest = min(lowest, by_night[at])
    return lowest, highest


print("prices from {} to {} cents".format(*extremes(inputs.orders(100_000))))
