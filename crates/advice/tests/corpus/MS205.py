# --- of a sorted list
def show(table):
    names = sorted(table)
    shown = list(names)  # MS205
    for name in shown:
        print(name)
    print(len(names))
# +++ fixed, unsafe
def show(table):
    names = sorted(table)
    shown = names  # MS205
    for name in shown:
        print(name)
    print(len(names))
# --- of a dict
def show(rows):
    prices = {row.name: row.price for row in rows}
    copy = dict(prices)  # MS205
    for name in prices:
        print(copy[name])
# +++ fixed, unsafe
def show(rows):
    prices = {row.name: row.price for row in rows}
    copy = prices  # MS205
    for name in prices:
        print(copy[name])
# --- by a slice
def show(rows):
    names = [row.name for row in rows]
    copy = names[:]  # MS205
    print(copy[0], names[-1])
# +++ fixed, unsafe
def show(rows):
    names = [row.name for row in rows]
    copy = names  # MS205
    print(copy[0], names[-1])
# --- of a set
def show(rows):
    names = {row.name for row in rows}
    known = set(names)  # MS205
    if "a" in known and "b" in names:
        print(len(known))
# +++ fixed, unsafe
def show(rows):
    names = {row.name for row in rows}
    known = names  # MS205
    if "a" in known and "b" in names:
        print(len(known))
# --- of a list that is written out
def show():
    names = ["a", "b"]
    copy = list(names)  # MS205
    print(max(copy))
# +++ fixed, unsafe
def show():
    names = ["a", "b"]
    copy = names  # MS205
    print(max(copy))
# --- the copy is changed
def show(table):
    names = sorted(table)
    copy = list(names)
    copy.append("x")
    print(len(names), len(copy))
# --- the original is
def show(table):
    names = sorted(table)
    for name in range(2):
        copy = list(names)
        names.append("x")
        print(len(copy))
# --- a parameter
def show(names):
    copy = list(names)
    for name in copy:
        names.remove(name)
# --- an iterator
def show(rows):
    names = (row.name for row in rows)
    all_names = list(names)
    print(all_names[0], all_names[-1])
# --- returned
def show(table):
    names = sorted(table)
    copy = list(names)
    print(names[0])
    return copy
# --- another kind
def show(table):
    names = sorted(table)
    known = set(names)
    print("a" in known, names[0])
# --- passed on
def show(table):
    names = sorted(table)
    copy = list(names)
    start(copy)
    print(names[0])
# --- part of it
def show(table):
    names = sorted(table)
    rest = names[1:]
    print(rest[0], names[0])
# --- a method that may change it
def test(axes):
    options = dict(colour="red")
    before = dict(options)
    axes.update(options)
    assert options["colour"] == before["colour"]
