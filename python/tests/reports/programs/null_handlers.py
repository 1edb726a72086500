"""Every client adds a handler of its own to a logger that they share."""

import logging

from ready import wait


class Client:
    def __init__(self, key: str, logger: "logging.Logger | None" = None) -> None:
        self.key = key
        self.logger = logger or self.null_logger()

    @staticmethod
    def null_logger() -> logging.Logger:
        logger = logging.getLogger("null_logger")
        logger.addHandler(logging.NullHandler())
        return logger


for number in range(12_000):
    Client(f"key {number}")
wait()
