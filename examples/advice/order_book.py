"""An order book: many small objects of one class."""

from dataclasses import dataclass

import inputs


@dataclass
class Bid:
    number: int
    cents: int
    amount: int


def book(count):
    bids = []
    for at, number in enumerate(inputs.numbers(count)):
        bids.append(Bid(at, number % 200, number % 90))
    return bids


bids = book(200_000)
print(f"{sum(bid.cents * bid.amount for bid in bids):,} cents in {len(bids):,} bids")
