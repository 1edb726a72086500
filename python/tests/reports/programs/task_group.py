"""A task group that lives as long as the service: it keeps each task that has ended, with its result."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from ready import wait


class TaskGroup:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def create_task(self, coroutine: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        return task


async def handle(number: int) -> list[str]:
    return [f"row {row} of {number}" for row in range(30)]


async def serve() -> None:
    group = TaskGroup()
    for number in range(3000):
        await group.create_task(handle(number))
    wait()


asyncio.run(serve())
