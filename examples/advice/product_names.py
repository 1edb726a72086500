"""Names of products, looked up again and again in a cache that never forgets."""

import functools

import inputs


@functools.cache
def described(number: int):
    name = f"product {number}"
    return {"name": name, "label": name.title(), "shelf": number % 97}


def labels(count):
    total = 0
    for number in inputs.numbers(count):
        total += len(described(number)["label"])
    return total


print(f"{labels(80_000):,} letters on the labels")
