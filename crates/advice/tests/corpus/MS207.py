# --- a named tuple
from collections import namedtuple

def split(line):
    Row = namedtuple("Row", "name price")  # MS207
    return Row(*line.split())
# --- a class
def parse(text):
    class State:  # MS207
        position = 0

    state = State()
    for word in text:
        state.position += len(word)
    return state.position
# --- an exception of its own
def find(rows):
    class Found(Exception):  # MS207
        pass

    try:
        for row in rows:
            for cell in row:
                if cell:
                    raise Found()
    except Found:
        return True
    return False
# --- a context variable
from contextvars import ContextVar

def serve(request):
    current = ContextVar("current")  # MS207
    current.set(request)
    run(current)
# --- in a method
import collections

class Table:
    def rows(self):
        Row = collections.namedtuple("Row", ["a", "b"])  # MS207
        return [Row(a, b) for a, b in self.cells]
# --- a property
class Table:
    @property
    def head(self):
        class Head:  # MS207
            pass

        head = Head()
        head.cells = self.cells[0]
        return head
# --- a factory of classes
def manager_for(model):
    class Manager:
        pass

    return Manager
# --- it uses names of the function
def parse(text):
    class State:
        words = text.split()

    return State()
# --- cached
import functools
from collections import namedtuple

@functools.cache
def row():
    Row = namedtuple("Row", "name price")
    return Row("", 0)
# --- the fields differ
from collections import namedtuple

def split(head, line):
    Row = namedtuple("Row", head)
    return Row(*line.split())
# --- in the module
from collections import namedtuple

Row = namedtuple("Row", "name price")

class State:
    pass
# --- called once, at import
def build():
    class Table:
        pass

    return Table()

TABLE = build()
# --- a global of the module
from collections import namedtuple

def load():
    global Row
    Row = namedtuple("Row", "name price")
# --- a test
def test_state():
    class State:
        pass

    assert State()
# --- passed on
def run(app):
    class Handler:
        pass

    app.register(Handler)
    return Handler()
# --- a decorator
from collections import namedtuple
import functools

def saved(method):
    Call = namedtuple("Call", "args kwargs")

    @functools.wraps(method)
    def wrapper(self, *args, **kwargs):
        self.saved = Call(args, kwargs)
        return method(self, *args, **kwargs)

    return wrapper
# --- run once, by its name
def init_clipboard():
    class Unavailable:
        pass

    return Unavailable(), Unavailable()
