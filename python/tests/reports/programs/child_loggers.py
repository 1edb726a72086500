"""A logger for each connection: `logging` keeps every logger for ever, under its name."""

import logging

from ready import wait


class Connection:
    base = logging.getLogger("sockets")

    def __init__(self, number: int) -> None:
        self.logger = self.base.getChild(str(number))


for number in range(15_000):
    Connection(number)
wait()
