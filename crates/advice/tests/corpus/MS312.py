# --- a local
from collections import OrderedDict

def unique(words):
    seen = OrderedDict()  # MS312
    for word in words:
        seen[word] = True
    return list(seen)
# +++ fixed, unsafe
from collections import OrderedDict

def unique(words):
    seen = dict()  # MS312
    for word in words:
        seen[word] = True
    return list(seen)
# --- an attribute
import collections

class Table:
    def __init__(self):
        self._rows = collections.OrderedDict()  # MS312

    def add(self, key, row):
        self._rows[key] = row

    def show(self):
        for key, row in self._rows.items():
            print(key, row)
# +++ fixed, unsafe
import collections

class Table:
    def __init__(self):
        self._rows = dict()  # MS312

    def add(self, key, row):
        self._rows[key] = row

    def show(self):
        for key, row in self._rows.items():
            print(key, row)
# --- of pairs
from collections import OrderedDict

def show(pairs):
    table = OrderedDict(pairs)  # MS312
    for key in table:
        print(key, table[key])
# +++ fixed, unsafe
from collections import OrderedDict

def show(pairs):
    table = dict(pairs)  # MS312
    for key in table:
        print(key, table[key])
# --- of the module
from collections import OrderedDict

_handlers = OrderedDict()  # MS312

def handler(name):
    return _handlers.get(name)
# +++ fixed, unsafe
from collections import OrderedDict

_handlers = dict()  # MS312

def handler(name):
    return _handlers.get(name)
# --- dict is another
from collections import OrderedDict

def unique(dict, words):
    seen = OrderedDict()  # MS312
    for word in words:
        seen[word] = dict
    return list(seen)
# --- moved to the end
from collections import OrderedDict

class Cache:
    def __init__(self):
        self._entries = OrderedDict()

    def get(self, key):
        self._entries.move_to_end(key)
        return self._entries[key]
# --- the oldest goes
from collections import OrderedDict

def last(words):
    seen = OrderedDict()
    for word in words:
        seen[word] = True
        if len(seen) > 10:
            seen.popitem(last=False)
    return list(seen)
# --- compared
from collections import OrderedDict

def same(left, right):
    a = OrderedDict(left)
    return a == right
# --- returned
from collections import OrderedDict

def unique(words):
    seen = OrderedDict()
    for word in words:
        seen[word] = True
    return seen
# --- passed on
from collections import OrderedDict

def unique(words):
    seen = OrderedDict()
    for word in words:
        seen[word] = True
    show(seen)
# --- public
from collections import OrderedDict

class Table:
    def __init__(self):
        self.rows = OrderedDict()

    def add(self, key, row):
        self.rows[key] = row
# --- another one
from tools import OrderedDict

def unique(words):
    seen = OrderedDict()
    for word in words:
        seen[word] = True
    return list(seen)
