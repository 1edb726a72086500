# --- a zip of locals
def show(lines):
    names = [line.name for line in lines]
    sizes = [line.size for line in lines]
    for name, size in list(zip(names, sizes)):  # MS108
        print(name, size)
# +++ fixed, unsafe
def show(lines):
    names = [line.name for line in lines]
    sizes = [line.size for line in lines]
    for name, size in zip(names, sizes):  # MS108
        print(name, size)
# --- items of a dict of one's own
def show(pairs):
    seen = {}
    for key, value in pairs:
        seen[key] = value
    for key, value in list(seen.items()):  # MS108
        print(key, value)
# +++ fixed, unsafe
def show(pairs):
    seen = {}
    for key, value in pairs:
        seen[key] = value
    for key, value in seen.items():  # MS108
        print(key, value)
# --- an argument, while nothing is called
def pairs(table):
    return [(key, value) for key, value in list(table.items()) if value]  # MS108
# +++ fixed, unsafe
def pairs(table):
    return [(key, value) for key, value in table.items() if value]  # MS108
# --- numbered
def number(rows):
    total = 0
    for at, row in list(enumerate(rows)):  # MS108
        total += at * row
    return total
# +++ fixed, unsafe
def number(rows):
    total = 0
    for at, row in enumerate(rows):  # MS108
        total += at * row
    return total
# --- a map
def total(rows):
    total = 0
    for row in list(map(int, rows)):  # MS108
        total += row
    return total
# +++ fixed, unsafe
def total(rows):
    total = 0
    for row in map(int, rows):  # MS108
        total += row
    return total
# --- the loop changes the dict
def prune(table):
    for key in list(table.keys()):
        if not table[key]:
            del table[key]
# --- so may what it calls
def prune(table):
    for key, value in list(table.items()):
        drop(key)
# --- an attribute, for other threads
def close(self):
    for item in list(self.items.values()):
        print(item)
# --- a list of a list
def show(rows):
    for row in list(rows):
        print(row)
# --- a global
table = {}

def show():
    for key in list(table.keys()):
        print(key)
# --- a folder whose files are removed
import os

def clean(path):
    for entry in list(os.scandir(path)):
        os.remove(entry)
# --- a call, which may give a view of anything
def show(tree):
    for key, value in list(tree.children().items()):
        print(key)
# --- a short one
def show(a):
    for one, other in list(zip((1, 2), a)):
        pass
