# --- whole lines are asked for
import functools

@functools.cache  # MS403
def parse(line):
    return Record(line)
# +++ fixed, unsafe
import functools

@functools.lru_cache(maxsize=1024)  # MS403
def parse(line):
    return Record(line)
# --- lru_cache without an end
from functools import lru_cache

@lru_cache(maxsize=None)  # MS403
def user(user_id: int) -> "User":
    return load(user_id)

@lru_cache(None)  # MS403
def page(url, depth):
    return fetch(url, depth)
# +++ fixed, unsafe
from functools import lru_cache

@lru_cache(maxsize=1024)  # MS403
def user(user_id: int) -> "User":
    return load(user_id)

@lru_cache(1024)  # MS403
def page(url, depth):
    return fetch(url, depth)
# --- cache alone was imported
from functools import cache

@cache  # MS403
def normal(path):
    return path.resolve()
# --- both were imported
from functools import cache, lru_cache

@cache  # MS403
def normal(path):
    return path.resolve()
# +++ fixed, unsafe
from functools import cache, lru_cache

@lru_cache(maxsize=1024)  # MS403
def normal(path):
    return path.resolve()
# --- static methods and class methods are functions
import functools

class Codes:
    @staticmethod
    @functools.lru_cache(maxsize=None, typed=True)  # MS403
    def of(text):
        return text.split("-")
# +++ fixed, unsafe
import functools

class Codes:
    @staticmethod
    @functools.lru_cache(maxsize=1024, typed=True)  # MS403
    def of(text):
        return text.split("-")
# --- one of two parameters has many values
import functools

@functools.lru_cache(maxsize=None)  # MS403
def render(is_short: bool, text: str):
    return text[:10] if is_short else text
# +++ fixed, unsafe
import functools

@functools.lru_cache(maxsize=1024)  # MS403
def render(is_short: bool, text: str):
    return text[:10] if is_short else text
# --- nothing is asked
import functools

@functools.cache
def settings():
    return load()
# --- a size of its own
import functools

@functools.lru_cache(maxsize=500)
def parse(line):
    return Record(line)

@functools.lru_cache
def other(line):
    return Record(line)
# --- yes or no, and enumerations
import functools
from typing import Literal, Optional

@functools.cache
def table(is_wide: bool, kind: "ColourEnum", side: Literal["left", "right"], more: Optional[bool] = None):
    return make(is_wide, kind, side, more)
# --- classes
import functools

@functools.cache
def fields(cls, other: type[Model]):
    return [name for name in dir(cls)]
# --- somebody clears it
import functools

@functools.cache
def parse(line):
    return Record(line)

def reset():
    parse.cache_clear()
# --- made anew in each call
import functools

def longest(words):
    @functools.cache
    def length(start, end):
        return length(start + 1, end) if start < end else 0
    return length(0, len(words))
# --- another cache
from project.tools import cache

@cache
def parse(line):
    return Record(line)
# --- on a method it is another rule's
import functools

class Report:
    @functools.cache
    def total(self):
        return sum(self.rows)
