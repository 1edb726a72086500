"""A server on aiohttp with its clients, on the loopback: JSON, middlewares, web sockets that stay open."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web
from telling import Truth, digest


class Session:
    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[str] = []


SESSIONS: dict[str, Session] = {}
SOCKETS: set[web.WebSocketResponse] = set()


@web.middleware
async def counted(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    session = SESSIONS.setdefault(request.headers.get("X-Name", "nobody"), Session("made"))
    session.lines.append(request.path * 5)
    del session.lines[500:]
    return await handler(request)


async def hello(request: web.Request) -> web.Response:
    return web.json_response({"hello": request.match_info["name"], "length": len(request.match_info["name"])})


async def socket(request: web.Request) -> web.WebSocketResponse:
    answer = web.WebSocketResponse()
    await answer.prepare(request)
    SOCKETS.add(answer)
    async for message in answer:
        if message.type == WSMsgType.TEXT:
            await answer.send_str(message.data[::-1])
    return answer


async def exchange(open_: list[ClientWebSocketResponse], client: ClientSession, base: str) -> object:
    texts = []
    for number, each in enumerate(open_):
        await each.send_str(f"line {number}")
        texts.append(await each.receive_str())
    for number in range(150):
        async with client.get(f"{base}/hello/name{number}", headers={"X-Name": f"user {number % 40}"}) as answer:
            texts.append(str(await answer.json()))
    return digest(texts)


async def main() -> None:
    app = web.Application(middlewares=[counted])
    app.add_routes([web.get("/hello/{name}", hello), web.get("/socket", socket)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with ClientSession() as client:
        open_ = [await client.ws_connect(f"{base}/socket") for _ in range(50)]
        for number in range(40):
            SESSIONS[f"user {number}"] = Session(f"user {number}")
        first = await exchange(open_, client, base)
        await exchange(open_, client, base)
        truth = Truth("aiohttp")
        truth.instances(Session, web.WebSocketResponse, ClientWebSocketResponse, asyncio.Task)
        # The loop stands still while the program is looked at, as one does between two events.
        truth.hand_over(lambda: digest(first, sorted(SESSIONS), len(SOCKETS)))
        assert await exchange(open_, client, base) == first
        for each in open_:
            await each.close()
    await runner.cleanup()


asyncio.run(main())
