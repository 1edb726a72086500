# --- in two steps
import asyncio

class Server:
    def accept(self, connection):
        task = asyncio.create_task(serve(connection))
        self.tasks.add(task)  # MS414
# +++ fixed, unsafe
import asyncio

class Server:
    def accept(self, connection):
        task = asyncio.create_task(serve(connection))
        self.tasks.add(task)  # MS414
        task.add_done_callback(self.tasks.discard)
# --- in one
import asyncio

class Server:
    def accept(self, connection):
        self.tasks.add(asyncio.create_task(serve(connection)))  # MS414
# --- a list of the module
import asyncio

running = []

def accept(connection):
    running.append(asyncio.ensure_future(serve(connection)))  # MS414
# --- of a loop
class Server:
    def accept(self, connection):
        task = self.loop.create_task(serve(connection))
        self.tasks.add(task)  # MS414
# +++ fixed, unsafe
class Server:
    def accept(self, connection):
        task = self.loop.create_task(serve(connection))
        self.tasks.add(task)  # MS414
        task.add_done_callback(self.tasks.discard)
# --- waiting for all of them lets go of none
import asyncio

background = set()

async def start(job):
    background.add(asyncio.create_task(job()))  # MS414
    await asyncio.gather(*background)
# --- it is taken out when it is done
import asyncio

class Server:
    def accept(self, connection):
        task = asyncio.create_task(serve(connection))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
# --- by a function
import asyncio

class Server:
    def accept(self, connection):
        task = asyncio.create_task(serve(connection))
        self.tasks.add(task)
        task.add_done_callback(self.done)

    def done(self, task):
        self.tasks.remove(task)
# --- a local set
import asyncio

async def all_of(connections):
    tasks = set()
    for connection in connections:
        tasks.add(asyncio.create_task(serve(connection)))
    await asyncio.wait(tasks)
# --- it is emptied
import asyncio

class Server:
    def accept(self, connection):
        self.tasks.append(asyncio.create_task(serve(connection)))

    async def close(self):
        await asyncio.gather(*self.tasks)
        self.tasks.clear()
# --- no task
class Server:
    def accept(self, task):
        self.tasks.add(task)
        self.tasks.add(Task(task))
# --- made new for each round
import asyncio

class Server:
    async def round(self):
        self.tasks = []
        for job in jobs():
            self.tasks.append(asyncio.create_task(job))
