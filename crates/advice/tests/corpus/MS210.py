# --- a list
def read(lines):
    rows = []
    for line in lines:
        rows = rows + [line.split()]  # MS210
    return rows
# +++ fixed, unsafe
def read(lines):
    rows = []
    for line in lines:
        rows += [line.split()]  # MS210
    return rows
# --- a tuple
def read(lines):
    rows = ()
    for line in lines:
        rows += (line,)  # MS210
    return rows
# --- a dict
def read(pairs):
    table = {}
    for key, value in pairs:
        table = {**table, key: value}  # MS210
    return table
# --- bytes
def read(socket):
    data = b""
    while True:
        more = socket.recv(4096)
        if not more:
            return data
        data += more  # MS210
# --- an attribute
class Log:
    def add_all(self, lines):
        for line in lines:
            self.lines = self.lines + [line]  # MS210
# +++ fixed, unsafe
class Log:
    def add_all(self, lines):
        for line in lines:
            self.lines += [line]  # MS210
# --- unpacked, and at the front
def read(lines):
    rows, back = [], []
    for line in lines:
        rows = [*rows, line]  # MS210
        back = [line] + back  # MS210
    return rows, back
# --- a union
def read(pairs):
    table = {}
    for key, value in pairs:
        table = table | {key: value}  # MS210
    return table
# --- in place
def read(lines):
    rows = []
    text = ""
    for line in lines:
        rows += [line]
        text += line
    return rows, text
# --- begun anew in each round
def read(lines):
    for line in lines:
        words = line.split()
        words = words + ["end"]
        show(words)
# --- once
def read(rows, row):
    rows = rows + [row]
    return rows
# --- few rounds
def read(rows):
    for name in ("a", "b"):
        rows = rows + [name]
    return rows
# --- another name
def read(paths, start):
    for path in paths:
        whole = start + [path]
        show(whole)
# --- numbers
def read(numbers):
    total = 0
    for number in numbers:
        total = total + number
        total += number
    return total
# --- each has its own
def read(nodes):
    for node in nodes:
        node.path = node.path + [node]
# --- the same key each time
def contexts(options, names):
    for name in names:
        options = {**options, "id": name}
        show(options)
