# --- atexit
import atexit

class Client:
    def __init__(self):
        atexit.register(self.close)  # MS406

    def close(self):
        self.socket.close()
# --- a bus of the module
from app import events

class View:
    def __init__(self):
        events.subscribe("change", self.redraw)  # MS406

    def redraw(self):
        show(self)
# --- a bus that is made there
bus = Bus()

class View:
    def open(self):
        bus.add_listener(self.redraw)  # MS406

    def redraw(self):
        show(self)
# --- of a part of a module
import app

class View:
    def open(self):
        app.bus.add_observer(self.redraw)  # MS406

    def redraw(self):
        show(self)
# --- objects made in functions
import atexit

class Client:
    def __init__(self):
        atexit.register(self.close, 1)  # MS406

    def close(self, code):
        self.socket.close()

def client():
    return Client()
# --- it is taken back
from app import events

class View:
    def __init__(self):
        events.subscribe("change", self.redraw)

    def close(self):
        events.unsubscribe("change", self.redraw)

    def redraw(self):
        show(self)
# --- a part of the object
class View:
    def __init__(self):
        self.button = Button()
        self.button.subscribe(self.redraw)

    def redraw(self):
        show(self)
# --- a parameter
class View:
    def __init__(self, bus):
        bus.subscribe(self.redraw)

    def redraw(self):
        show(self)
# --- a function
import atexit

def close():
    pass

class Client:
    def __init__(self):
        atexit.register(close)
# --- one object, made at import
import atexit

class Client:
    def __init__(self):
        atexit.register(self.close)

    def close(self):
        self.socket.close()

CLIENT = Client()
# --- unregistered
import atexit

class Client:
    def __init__(self):
        atexit.register(self.close)

    def close(self):
        atexit.unregister(self.close)
# --- not a method
from app import events

class View:
    def __init__(self, name):
        self.name = name
        events.subscribe(self.name)
# --- what comes back takes it back
from app import events

class View:
    def watch(self):
        with events.add_callback(self.redraw):
            yield
        self.stop = events.subscribe(self.redraw)

    def redraw(self):
        show(self)
