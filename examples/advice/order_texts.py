"""Orders by country, city and state: few different texts, each of them cut out of its line again and again."""

from collections import Counter

import inputs


class Order:
    __slots__ = ("country", "city", "state", "payment")

    def __init__(self, country, city, state, payment):
        self.country = country
        self.city = city
        self.state = state
        self.payment = payment


def read(path):
    orders = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            fields = line.split(";")
            orders.append(Order(fields[1], fields[2], fields[3], fields[4]))
    return orders


orders = read(inputs.orders(100_000))
for country, count in sorted(Counter(order.country for order in orders).items()):
    print(f"{count:7} {country}")
