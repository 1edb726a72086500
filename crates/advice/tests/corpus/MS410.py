# --- a lambda
class Page:
    def load(self, file):
        data = file.read()
        self.text = data[:10]
        self.size = lambda: len(data)  # MS410
# --- returned
def counter(path):
    rows = path.open().readlines()
    return lambda: len(rows)  # MS410
# --- a function
def counter(cursor):
    rows = cursor.fetchall()

    def count():
        return len(rows)  # MS410

    return count
# --- in a list
import json

def watch(path, callbacks):
    table = json.load(path.open())
    callbacks.append(lambda: print(len(table)))  # MS410
# --- in a table
import json

def watch(path, handlers):
    table = json.load(path.open())
    handlers["size"] = lambda event: len(table) > event.size  # MS410
# --- it needs all of it
def lines(path):
    rows = path.open().readlines()
    return lambda at: rows[at]
# --- the length only
def counter(path):
    size = len(path.read_text())
    return lambda: size
# --- used at once
def longest(path, names):
    rows = path.open().readlines()
    return max(names, key=lambda name: len(name) * len(rows))
# --- something small
def counter(a, b):
    pair = [a, b]
    return lambda: len(pair)
# --- not kept
def show(path):
    rows = path.open().readlines()

    def count():
        return len(rows)

    print(count())
# --- its length and more
def counter(path):
    rows = path.open().readlines()
    return lambda: (len(rows), rows[0])
