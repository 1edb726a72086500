# --- a file that was parsed
import json

def load(path):
    text = path.read_text()  # MS401
    rows = json.loads(text)
    for row in rows:
        send(row)
# +++ fixed, unsafe
import json

def load(path):
    text = path.read_text()  # MS401
    rows = json.loads(text)
    del text
    for row in rows:
        send(row)
# --- rows that were summed
def report(cursor, out):
    rows = cursor.fetchall()  # MS401
    total = sum(row.price for row in rows)
    while out.is_open():
        out.write(page(total))
# +++ fixed, unsafe
def report(cursor, out):
    rows = cursor.fetchall()  # MS401
    total = sum(row.price for row in rows)
    del rows
    while out.is_open():
        out.write(page(total))
# --- lines, in a block, with a comment
def count(path):
    with open(path) as file:
        lines = file.readlines()  # MS401
        words = {word for line in lines for word in line.split()}  # all of them
    for word in words:
        look_up(word)
# +++ fixed, safe
def count(path):
    with open(path) as file:
        lines = file.readlines()  # MS401
        words = {word for line in lines for word in line.split()}  # all of them
        del lines
    for word in words:
        look_up(word)
# --- a generator waits with it
def batches(file):
    data = file.read()  # MS401
    parts = data.split("\n\n")
    yield from parts
# +++ fixed, unsafe
def batches(file):
    data = file.read()  # MS401
    parts = data.split("\n\n")
    del data
    yield from parts
# --- a loop goes through it first
import csv

async def send_all(file, server):
    rows = list(csv.reader(file))  # MS401
    for row in rows:
        check(row)
    await server.finish()
# +++ fixed, safe
import csv

async def send_all(file, server):
    rows = list(csv.reader(file))  # MS401
    for row in rows:
        check(row)
    del rows
    await server.finish()
# --- used in one branch
def load(path, is_wide, out):
    data = open(path).read()  # MS401
    if is_wide:
        wide = data.upper()
        out.write(wide)
    for name in out.names():
        out.write(make(name))
# +++ fixed, unsafe
def load(path, is_wide, out):
    data = open(path).read()  # MS401
    if is_wide:
        wide = data.upper()
        out.write(wide)
    del data
    for name in out.names():
        out.write(make(name))
# --- read again at the end
import json

def load(path):
    text = path.read_text()
    rows = json.loads(text)
    for row in rows:
        send(row)
    print(len(text))
# --- nothing is done behind it
import json

def load(path):
    text = path.read_text()
    rows = json.loads(text)
    return rows
# --- it is passed on
def load(path):
    text = path.read_text()
    document = Document(text)
    for part in document.parts():
        send(part)
# --- a parameter
import json

def load(text):
    rows = json.loads(text)
    for row in rows:
        send(row)
# --- a function reads it later
def load(path):
    text = path.read_text()
    def line(at):
        return text.split("\n")[at]
    for at in numbers():
        send(line(at))
# --- let go of already
import json

def load(path):
    text = path.read_text()
    rows = json.loads(text)
    del text
    for row in rows:
        send(row)
# --- read in a handler
import json

def load(path):
    text = path.read_text()
    try:
        rows = json.loads(text)
        for row in rows:
            send(row)
    except ValueError:
        print(len(text))
# --- the loop itself reads it
def load(path):
    lines = path.open().readlines()
    for line in lines:
        send(line)
# --- a generator reads it later
def load(path):
    lines = path.open().readlines()
    words = (word for line in lines for word in line.split())
    for word in words:
        send(word)
# --- a part of known size
def load(file):
    head = file.read(100)
    size = head.split(b" ")[0]
    for part in parts(size):
        send(part)
# --- locals() shows it
import json

def load(path):
    text = path.read_text()
    rows = json.loads(text)
    for row in rows:
        send(row, locals())
# --- a part of it is kept
import json

def entries(path):
    data = json.load(path.open())
    found = data["entries"]
    for name in found:
        send(name)
# --- a part of a part of it is kept
import json

def entries(path):
    data = json.load(path.open())
    found = data["all"]["entries"].items()
    for name, entry in found:
        send(name, entry)
