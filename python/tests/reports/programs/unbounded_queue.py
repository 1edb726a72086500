"""A producer that is faster than its consumers, and queues without a size."""

import queue
import threading

from ready import wait


class Controller:
    def __init__(self) -> None:
        self.queues: list[queue.Queue[bytes]] = [queue.Queue() for _ in range(3)]
        self.slow = threading.Event()
        for number in range(3):
            threading.Thread(target=self.consume, args=(number,), daemon=True).start()

    def consume(self, number: int) -> None:
        self.queues[number].get()
        self.slow.wait()

    def produce(self) -> None:
        for number in range(60_000):
            self.queues[number % 3].put_nowait(b"candidate %d of the word list" % number)


controller = Controller()
controller.produce()
wait()
