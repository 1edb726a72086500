# --- a zip of locals
def show(rows):
    lines = [row.name for row in rows]
    sizes = [row.size for row in rows]
    for name, size in list(zip(lines, sizes)):  # MS108
        print(name, size)
# +++ fixed, unsafe
def show(rows):
    lines = [row.name for row in rows]
    sizes = [row.size for row in rows]
    for name, size in zip(lines, sizes):  # MS108
        print(name, size)
# --- items of a dict of one's own
def show(pairs):
    prices = {}
    for key, value in pairs:
        prices[key] = value
    for key, value in list(prices.items()):  # MS108
        print(key, value)
# +++ fixed, unsafe
def show(pairs):
    prices = {}
    for key, value in pairs:
        prices[key] = value
    for key, value in prices.items():  # MS108
        print(key, value)
# --- an argument, while nothing is called
def pairs(prices):
    return [(key, value) for key, value in list(prices.items()) if value]  # MS108
# +++ fixed, unsafe
def pairs(prices):
    return [(key, value) for key, value in prices.items() if value]  # MS108
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
# --- names of the module, to which the loop adds its own
for name, value in list(globals().items()):
    if type(value) is int:
        names[value] = name
# --- names of the function
def public():
    found = {}
    for name, value in list(locals().items()):
        found[name] = value
    return found
# --- another name for what an object has
def clean(self):
    table = self.table
    for key in list(table.keys()):
        self.drop(key)
# --- modules load others when they are touched
def forget(modules):
    for module in list(modules.values()):
        if module is not None:
            module.registry = None
