# --- without parameters
import functools

class Report:
    @functools.cache  # MS404
    def total(self):
        return sum(self.rows)
# --- with parameters
from functools import lru_cache

class Report:
    @lru_cache(maxsize=None)  # MS404
    def total(self, month):
        return sum(row.sum for row in self.rows if row.month == month)
# --- a property
import functools

class Report:
    @property
    @functools.lru_cache(None)  # MS404
    def total(self):
        return sum(self.rows)
# --- self has another name
from functools import cache

class Node:
    @cache  # MS404
    def depth(node):
        return node.parent.depth() + 1 if node.parent else 0
# --- objects are made in functions
import functools

class Report:
    @functools.cache  # MS404
    def total(self):
        return sum(self.rows)

def report(rows):
    return Report(rows)
# --- made both at import and later
import functools

class Report:
    @functools.cache  # MS404
    def total(self):
        return sum(self.rows)

EMPTY = Report([])

def report(rows):
    return Report(rows)
# --- an enumeration
import enum
import functools

class Colour(enum.Enum):
    RED = 1

    @functools.cache
    def code(self):
        return self.name.lower()
# --- a class method
import functools

class Report:
    @classmethod
    @functools.cache
    def columns(cls):
        return load(cls)

    @staticmethod
    @functools.cache
    def units():
        return load()
# --- bounded
import functools

class Report:
    @functools.lru_cache
    def total(self):
        return sum(self.rows)

    @functools.lru_cache(maxsize=32)
    def mean(self):
        return sum(self.rows) / len(self.rows)
# --- the result is kept in the object
import functools

class Report:
    @functools.cached_property
    def total(self):
        return sum(self.rows)
# --- the only object is made at import
import functools

class Registry:
    @functools.cache
    def names(self):
        return sorted(self.entries)

REGISTRY = Registry()
# --- a metaclass
import functools

class ModelMeta(type):
    @functools.cache
    def columns(cls):
        return load(cls)
# --- a class method by another way
import functools

class Lookups:
    @functools.cache
    def get(cls):
        return load(cls)

    get = class_or_instance_method(get)
# --- somebody clears it
import functools

class Apps:
    @functools.cache
    def models(self):
        return load(self)

    def clear(self):
        self.models.cache_clear()
