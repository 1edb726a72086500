# --- a private function
def _entries(log):  # MS104
    entries = []
    for line in log:
        if line:
            entries.append(parse(line))
    return entries

def show(log):
    for entry in _entries(log):
        print(entry)
# +++ fixed, unsafe
def _entries(log):  # MS104
    for line in log:
        if line:
            yield parse(line)

def show(log):
    for entry in _entries(log):
        print(entry)
# --- a private method
class Log:
    def _entries(self):  # MS104
        found = []
        while self.more():
            found.append((self.line, self.text))
        return found

    def total(self):
        return sum(count for count, text in self._entries())
# +++ fixed, unsafe
class Log:
    def _entries(self):  # MS104
        while self.more():
            yield (self.line, self.text)

    def total(self):
        return sum(count for count, text in self._entries())
# --- a function in a function
def show(rows):
    def lines(rows):  # MS104
        result = []
        for row in rows:
            result.append(row.a)
            result.append(row.b)
        return result

    print("\n".join(lines(rows)))
# +++ fixed, unsafe
def show(rows):
    def lines(rows):  # MS104
        for row in rows:
            yield row.a
            yield row.b

    print("\n".join(lines(rows)))
# --- two callers, both go through it
def _numbers(lines):  # MS104
    numbers = []
    for line in lines:
        numbers.append(int(line))
    return numbers

low = min(_numbers(a))
high = {n for n in _numbers(b)}
# +++ fixed, unsafe
def _numbers(lines):  # MS104
    for line in lines:
        yield int(line)

low = min(_numbers(a))
high = {n for n in _numbers(b)}
# --- something stands behind the loop
def _lines(rows):  # MS104
    out = []
    for row in rows:
        out.append(row.text)
    out.append("end")
    return out

file.writelines(_lines(rows))
# +++ fixed, unsafe
def _lines(rows):  # MS104
    for row in rows:
        yield row.text
    yield "end"

file.writelines(_lines(rows))
# --- a public function
def entries(log):
    result = []
    for line in log:
        result.append(line)
    return result

for entry in entries(log):
    pass
# --- a caller wants its length
def _entries(log):
    result = []
    for line in log:
        result.append(line)
    return result

for entry in _entries(log):
    pass
print(len(_entries(log)))
# --- its name is in a text
def _entries(log):
    result = []
    for line in log:
        result.append(line)
    return result

for entry in _entries(log):
    getattr(module, "_entries")
# --- decorated
@cache
def _entries(log):
    result = []
    for line in log:
        result.append(line)
    return result

for entry in _entries(log):
    pass
# --- filled under a lock
def _entries(self):
    result = []
    with self.lock:
        for line in self.log:
            result.append(line)
    return result

for entry in _entries(log):
    pass
# --- left early
def _entries(log):
    result = []
    for line in log:
        if not line:
            return []
        result.append(line)
    return result

for entry in _entries(log):
    pass
# --- sorted at its end
def _entries(log):
    result = []
    for line in log:
        result.append(line)
    result.sort()
    return result

for entry in _entries(log):
    pass
# --- recursive
def _walk(node):
    found = []
    for child in node:
        found.append(child)
        for inner in _walk(child):
            found.append(inner)
    return found

for node in _walk(root):
    pass
# --- no loop
def _pair(a, b):
    out = []
    out.append(a)
    out.append(b)
    return out

for x in _pair(1, 2):
    pass
# --- another class has one as well
class A:
    def _items(self):
        out = []
        for x in self.xs:
            out.append(x)
        return out

class B(A):
    def _items(self):
        return []

for x in A()._items():
    pass
