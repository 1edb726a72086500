"""anyio up to 4.14.1: every `anyio.run` that used a worker thread stays, with its loop and its result."""

import anyio
import anyio.to_thread
from ready import wait


async def job(number: int) -> list[float]:
    await anyio.to_thread.run_sync(len, "text")
    return [number + step / 3 for step in range(10_000)]


for number in range(30):
    anyio.run(job, number)
wait()
