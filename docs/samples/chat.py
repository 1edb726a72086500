"""A chat: whoever leaves is forgotten, but for the task that pings them: the walk, coroutines that stay."""

import asyncio


class Member:
    """Somebody with a connection."""

    def __init__(self, name):
        self.name = name
        self.gone = asyncio.Event()
        self.unread = [f"{name}: message {number}" for number in range(20)]

    async def keep_alive(self):
        await self.gone.wait()


members, background = {}, set()


def join(name):
    members[name] = Member(name)
    background.add(asyncio.create_task(members[name].keep_alive()))


def leave(name):
    del members[name]


async def serve():
    for number in range(5_000):
        join(f"user {number}")
        await asyncio.sleep(0)
        leave(f"user {number}")
    print("ready", flush=True)
    while True:
        await asyncio.sleep(1)


asyncio.run(serve())
