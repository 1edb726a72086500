"""The goods. Healthy: read once, never grows."""


class Item:
    """Something to buy."""

    __slots__ = ("number", "name", "price", "description")

    def __init__(self, number):
        self.number = number
        self.name = "Item {:04d}".format(number)
        self.price = 1.0 + number % 97
        self.description = "A fine thing of the kind {}, {}.".format(number % 13, "well made and often bought " * 8)


ITEMS = [Item(number) for number in range(2000)]


def find(number):
    """The item of that number; numbers past the end begin anew."""
    return ITEMS[number % len(ITEMS)]


def similar(item):
    """Twenty goods of about the same number."""
    return [find(item.number + step) for step in range(20)]
