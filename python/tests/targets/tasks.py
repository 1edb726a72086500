"""asyncio: tasks and futures in every state, in a loop that waits in a thread."""

import asyncio
import contextvars
import threading

import recorder

request = contextvars.ContextVar("request", default=None)


class Session:
    def __init__(self, name):
        self.name, self.history = name, [name]


async def waiting(event, session):
    local = [session]
    await event.wait()
    return local


async def nested(future, depth):
    held = [depth]
    if depth:
        return await nested(future, depth - 1)
    return await future, held


async def failing():
    raise RuntimeError("failed task")


async def serving(queue):
    while True:
        item = await queue.get()
        await item


async def producing():
    try:
        for number in range(10):
            yield [number]
            await asyncio.sleep(3600)
    finally:
        pass


async def consuming():
    async for item in producing():
        kept.append(item)


kept = []


async def main(ready):
    request.set(["main"])
    loop = asyncio.get_running_loop()
    event, queue, future = asyncio.Event(), asyncio.Queue(), loop.create_future()
    done, broken, cancelled = loop.create_future(), loop.create_future(), loop.create_future()
    done.set_result([1])
    broken.set_exception(ValueError("future"))
    cancelled.cancel()
    future.add_done_callback(print)
    future.add_done_callback(kept.append)
    custom = asyncio.Future()
    custom.attribute = [2]
    tasks = [loop.create_task(waiting(event, Session("s%d" % number))) for number in range(5)]
    tasks += [loop.create_task(nested(future, 5)), loop.create_task(failing()), loop.create_task(serving(queue))]
    tasks += [loop.create_task(consuming()), loop.create_task(asyncio.wait_for(custom, 3600))]
    finished, stopped = loop.create_task(nested(done, 1)), loop.create_task(waiting(event, None))
    gathered = asyncio.gather(loop.create_task(waiting(event, 1)), asyncio.shield(tasks[0]), return_exceptions=True)
    await asyncio.sleep(0)
    stopped.cancel()
    timer = loop.call_later(3600, print, ["later"])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    broken.exception(), tasks[6].exception()
    local_lock = asyncio.Lock()
    async with local_lock:
        kept.extend([tasks, finished, stopped, gathered, timer, future, done, broken, cancelled, custom, local_lock])
        # The loop sets it on its last turn before it sleeps.
        loop.call_soon(loop.call_soon, ready.set)
        await asyncio.sleep(3600)


def build():
    ready = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(main(ready)), daemon=True)
    thread.start()
    ready.wait()
    return [thread, kept]


if __name__ == "__main__":
    recorder.serve(build())
