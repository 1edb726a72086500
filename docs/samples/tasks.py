"""Tasks of asyncio that wait for what never comes, and results that nobody takes: the view `tasks`."""

import asyncio


class Channel:
    """A connection that nobody closes."""

    def __init__(self):
        self.closed = asyncio.get_running_loop().create_future()

    async def until_closed(self):
        await self.closed

    async def through(self, number):
        payload = f"message {number}" * 40
        await self.until_closed()
        return payload


async def fetch(number):
    return f"page {number}" * 100


channels, results = [], []


async def serve():
    for number in range(2000):
        channels.append(asyncio.ensure_future(Channel().through(number)))
    for number in range(400):
        results.append(asyncio.ensure_future(fetch(number)))
    await asyncio.gather(*results)
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, input)


asyncio.run(serve())
