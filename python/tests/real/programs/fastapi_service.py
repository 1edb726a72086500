"""A service on FastAPI: models of pydantic, dependencies, requests through ASGI on one event loop."""

import asyncio
from typing import Annotated

import httpx
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from telling import Truth, digest


class Item(BaseModel):
    number: int
    name: str
    tags: list[str] = []


class Store:
    def __init__(self) -> None:
        self.items: dict[int, Item] = {}


STORE = Store()
app = FastAPI()


def store() -> Store:
    return STORE


@app.post("/items")
async def create(item: Item, where: Annotated[Store, Depends(store)]) -> Item:
    where.items[item.number] = item
    return item


@app.get("/items/{number}")
async def read(number: int, where: Annotated[Store, Depends(store)]) -> Item:
    if number not in where.items:
        raise HTTPException(404, f"no item {number}")
    return where.items[number]


async def main() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        for number in range(3000):
            tags = [f"tag {number % step}" for step in range(1, 6)]
            STORE.items[number] = Item(number=number, name=f"item {number}", tags=tags)
        loop = asyncio.get_running_loop()

        async def ask() -> object:
            made = [await client.post("/items", json={"number": n, "name": f"new {n}"}) for n in range(5000, 5100)]
            wrong = await client.post("/items", json={"number": "x"})
            read = await asyncio.gather(*(client.get(f"/items/{number}") for number in range(2990, 3010)))
            return digest([answer.text for answer in [*made, *read]], wrong.status_code)

        truth = Truth("fastapi", "starlette", "pydantic", "httpx")
        truth.instances(Item, Store, FastAPI, httpx.AsyncClient)
        truth.hand_over(lambda: run_inside(loop, ask()))


def run_inside(loop: asyncio.AbstractEventLoop, coroutine: object) -> object:
    """The coroutine's result, on a loop of its own: the one that holds the client waits meanwhile."""
    import threading

    result: list[object] = []

    def run() -> None:
        result.append(asyncio.run(coroutine))  # type: ignore[arg-type]

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    # those of anyio, which end when their loop has
    for other in threading.enumerate():
        if other is not threading.current_thread():
            other.join()
    return result[0]


asyncio.run(main())
