# --- a document a round
import json

def total(paths):
    sum_of_all = 0
    for path in paths:
        rows = json.load(path.open())  # MS402
        sum_of_all += len(rows)
    return sum_of_all
# +++ fixed, unsafe
import json

def total(paths):
    sum_of_all = 0
    for path in paths:
        rows = json.load(path.open())  # MS402
        sum_of_all += len(rows)
        del rows
    return sum_of_all
# --- a text a round
def words(paths):
    for path in paths:
        text = path.read_text()  # MS402
        yield len(text.split())
# +++ fixed, unsafe
def words(paths):
    for path in paths:
        text = path.read_text()  # MS402
        yield len(text.split())
        del text
# --- in a while loop
def copy(source, out):
    while source.next():
        rows = source.fetchall()  # MS402
        for row in rows:
            out.put(row.id)
        out.flush()
# +++ fixed, unsafe
def copy(source, out):
    while source.next():
        rows = source.fetchall()  # MS402
        for row in rows:
            out.put(row.id)
        del rows
        out.flush()
# --- in a block
def sums(paths):
    for path in paths:
        with open(path, "rb") as file:
            data = file.read()  # MS402
            print(len(data))
# +++ fixed, unsafe
def sums(paths):
    for path in paths:
        with open(path, "rb") as file:
            data = file.read()  # MS402
            print(len(data))
            del data
# --- pickles
import pickle

def show(files):
    for file in files:
        table = pickle.load(file)  # MS402
        print(table["name"])
# +++ fixed, unsafe
import pickle

def show(files):
    for file in files:
        table = pickle.load(file)  # MS402
        print(table["name"])
        del table
# --- it is kept
import json

def load(paths):
    found = []
    for path in paths:
        rows = json.load(path.open())
        found.append(rows)
    return found
# --- read in the next round
def differences(paths):
    before = ""
    for path in paths:
        if before:
            print(len(before))
        before = path.read_text()
# --- let go of already
import json

def total(paths):
    for path in paths:
        rows = json.load(path.open())
        print(len(rows))
        del rows
# --- no loop
import json

def total(path):
    rows = json.load(path.open())
    print(len(rows))
# --- parts of known size
def total(file):
    while file.more():
        part = file.read(4096)
        print(len(part))
# --- needed behind the loop
import json

def last(paths):
    rows = []
    for path in paths:
        rows = json.load(path.open())
        print(len(rows))
    return len(rows)
