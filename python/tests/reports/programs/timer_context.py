"""A timer keeps the context that it was made in, and so the process that stands in a context variable."""

import asyncio
import contextvars

from ready import wait

PROCESS: "contextvars.ContextVar[Process]" = contextvars.ContextVar("process_stack")


class Process:
    def __init__(self, number: int) -> None:
        self.inputs = [f"input {number}-{step}" for step in range(400)]


async def run(number: int) -> None:
    PROCESS.set(Process(number))
    asyncio.get_running_loop().call_later(3600, len, "close the transport if it is idle")


async def main() -> None:
    for number in range(200):
        await asyncio.create_task(run(number))
    wait()


asyncio.run(main())
