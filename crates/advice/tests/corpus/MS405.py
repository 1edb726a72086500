# --- a dict of the module
_seen = {}

def handle(request):
    _seen[request.id] = request  # MS405
# --- a list of the module
history: list = []

def handle(request):
    history.append(request.text)  # MS405
    for entry in history:
        show(entry)
# --- a defaultdict
from collections import defaultdict

_by_user = defaultdict(list)

def handle(user, event):
    _by_user[user.name].append(event)
    _by_user.setdefault(user.name, []).append(event)  # MS405
# --- a dict of the class
class Session:
    _all = {}

    def open(self, key):
        if key not in self._all:
            self._all[key] = connect(key)  # MS405
        return self._all[key]
# --- a default argument
def normal(path, known={}):
    if path not in known:
        known[path] = resolve(path)  # MS405
    return known[path]
# --- a set
seen = set()

def is_new(url):
    if url in seen:
        return False
    seen.add(url)  # MS405
    return True
# --- something takes things out
_seen = {}

def handle(request):
    _seen[request.id] = request

def done(request):
    _seen.pop(request.id)
# --- or empties it
_seen = {}

def handle(request):
    _seen[request.id] = request

def reset():
    global _seen
    _seen = {}
# --- or looks how long it is
_seen = {}

def handle(request):
    if len(_seen) < 1000:
        _seen[request.id] = request
# --- filled at import
REGISTRY = {}

def register(name, function):
    REGISTRY[name] = function

def plugin_named(name):
    def inner(function):
        REGISTRY[name] = function
        return function
    return inner
# --- keys are written out
_state = {}

def start(now):
    _state["start"] = now
# --- keys are classes
_fields = {}

def fields_of(thing):
    cls = type(thing)
    if cls not in _fields:
        _fields[cls] = dir(cls)
    if thing.__class__ not in _fields:
        _fields[thing.__class__] = dir(cls)
    return _fields[cls]
# --- it is passed on
_seen = {}

def handle(request):
    _seen[request.id] = request

start_cleaner(_seen)
# --- each object has its own
class Session:
    opened = {}

    def __init__(self):
        self.opened = {}

    def open(self, key):
        self.opened[key] = connect(key)
# --- a local
def count(words):
    counts = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return sorted(counts)
# --- called at import only
TABLE = {}

def fill(name):
    TABLE[name] = name.upper()

fill("a")
fill("b")
# --- weak values
import weakref

_seen = weakref.WeakValueDictionary()

def handle(request):
    _seen[request.id] = request
# --- a bounded deque
from collections import deque

_last = deque(maxlen=10)

def handle(request):
    _last.append(request)
# --- a subclass is noted
class Base:
    _children = []

    def __init_subclass__(cls):
        Base._children.append(cls)
# --- emptied by a slice
searched = []

def find(path, roots):
    searched[:] = []
    for root in roots:
        searched.append(root)
    return path
