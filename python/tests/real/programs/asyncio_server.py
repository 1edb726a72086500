"""A chat server and its clients on asyncio's streams, on the loopback: rooms, histories, open connections, timers."""

import asyncio

from telling import Truth, digest


class Room:
    def __init__(self, name: str) -> None:
        self.name = name
        self.history: list[Message] = []
        self.members: set[Member] = set()


class Message:
    __slots__ = ("author", "text")

    def __init__(self, author: "Member", text: str) -> None:
        self.author, self.text = author, text


class Member:
    def __init__(self, name: str, writer: asyncio.StreamWriter, room: Room) -> None:
        self.name, self.writer, self.room = name, writer, room


ROOMS = [Room(f"room {number}") for number in range(10)]


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    name = (await reader.readline()).decode().strip()
    room = ROOMS[int(name) % len(ROOMS)]
    member = Member(name, writer, room)
    room.members.add(member)
    idle = asyncio.get_running_loop().call_later(3600, writer.close)
    while line := await reader.readline():
        idle.cancel()
        idle = asyncio.get_running_loop().call_later(3600, writer.close)
        room.history.append(Message(member, line.decode() * 20))
        writer.write(b"%d\n" % len(room.history))


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clients = []
    for number in range(60):
        clients.append(await asyncio.open_connection("127.0.0.1", port))
        clients[-1][1].write(b"%d\n" % number)
    for number, (reader, writer) in enumerate(clients):
        for step in range(100):
            writer.write(b"line %d of %d\n" % (step, number))
        for _ in range(100):
            await reader.readline()

    def work() -> object:
        texts = [message.text for room in ROOMS for message in room.history]
        names = sorted(member.name for room in ROOMS for member in room.members)
        pending = [lambda: pending, texts[:1]]  # a closure in a cycle: what callbacks leave behind
        return digest(sorted(texts), names)

    truth = Truth()
    truth.instances(
        Room, Message, Member, asyncio.StreamReader, asyncio.StreamWriter, asyncio.Task, asyncio.TimerHandle
    )
    truth.hand_over(work)
    for _, writer in clients:
        writer.close()
        await writer.wait_closed()
    server.close()


asyncio.run(main())
