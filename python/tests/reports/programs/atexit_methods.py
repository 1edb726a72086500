"""A method registered with `atexit` keeps its connection until the program ends."""

import atexit

from ready import wait


class SshConnection:
    def __init__(self, number: int) -> None:
        self.received = [f"line {line} of connection {number}" for line in range(300)]
        atexit.register(self.close)

    def close(self) -> None:
        self.received.clear()


def measure(number: int) -> int:
    return len(SshConnection(number).received)


for number in range(300):
    measure(number)
wait()
