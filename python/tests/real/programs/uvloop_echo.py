"""uvloop: transports and timers of libuv in Cython classes, protocols, open connections."""

import asyncio

import uvloop
from telling import Truth, digest


class Echo(asyncio.Protocol):
    def __init__(self) -> None:
        self.received: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received.append(data * 20)
        self.transport.write(data.upper())  # type: ignore[attr-defined]


class Client(asyncio.Protocol):
    def __init__(self) -> None:
        self.answers = b""
        self.arrived = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.answers += data
        self.arrived.set()


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clients = [(await loop.create_connection(Client, "127.0.0.1", port))[1] for _ in range(150)]
    for step in range(40):
        for client in clients:
            client.arrived.clear()
            client.transport.write(b"line %d of many\n" % step)
        for client in clients:
            await client.arrived.wait()
    timers = [loop.call_later(3600, print, number) for number in range(500)]
    jobs = [loop.create_task(asyncio.sleep(3600, number)) for number in range(100)]
    await asyncio.sleep(0)
    truth = Truth("uvloop")
    truth.instances(Echo, Client, asyncio.Task)
    truth.hand_over(lambda: digest(*(client.answers for client in clients), len(timers)))
    for handle in [*timers, *jobs]:
        handle.cancel()
    for client in clients:
        client.transport.close()
    server.close()


uvloop.run(main())
