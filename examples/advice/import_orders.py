"""Orders that cannot be read are told at the end: with each error all that was being worked on is kept."""

import inputs

failed = []


def parsed(block):
    rows = [line.split(";") for line in block]
    prices = [float(row[5]) for row in rows]
    if len(prices) % 2:
        raise ValueError(f"order {rows[0][0]}: a block of {len(prices)} lines")
    return sum(prices)


def load(path):
    total = 0.0
    block = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            block.append(line)
            if len(block) < 101:
                continue
            try:
                total += parsed(block)
            except ValueError as error:
                failed.append(error)
            block = []
    return total


load(inputs.orders(100_000))
print(f"{len(failed)} blocks failed; the first: {failed[0]}")
