# --- read at a rising index
class Queue:
    def put(self, item):
        self.items.append(item)

    def next(self):
        self.at += 1
        return self.items[self.at]  # MS416
# --- read before it rises
class Queue:
    def put(self, item):
        self.items.append(item)

    def next(self):
        item = self.items[self.at]  # MS416
        self.at += 1
        return item
# --- added to by a slice
class Queue:
    def put(self, items):
        self.waiting.extend(items)

    def step(self):
        self.position += 1
        run(self.waiting[self.position])  # MS416
# --- in a loop
class Log:
    def add(self, line):
        self.lines.append(line)

    def flush(self):
        while self.written < self.known:
            self.out.write(self.lines[self.written])  # MS416
            self.written += 1
# --- another name for self
class Queue:
    def put(this, item):
        this.items.append(item)

    def next(this):
        this.at += 1
        return this.items[this.at]  # MS416
# --- it is cut
class Queue:
    def put(self, item):
        self.items.append(item)

    def next(self):
        self.at += 1
        if self.at > 100:
            del self.items[:100]
            self.at -= 100
        return self.items[self.at]
# --- nothing is added
class Cursor:
    def next(self):
        self.at += 1
        return self.items[self.at]
# --- it goes back
class Cursor:
    def put(self, item):
        self.items.append(item)

    def previous(self):
        self.at -= 1
        return self.items[self.at]
# --- it is replaced
class Queue:
    def put(self, item):
        self.items.append(item)

    def clear(self):
        self.items = []

    def next(self):
        self.at += 1
        return self.items[self.at]
# --- it is handed out
class Queue:
    def put(self, item):
        self.items.append(item)

    def next(self):
        self.at += 1
        return self.items[self.at]

    def all(self):
        return self.items
# --- a step that is no step
class Wheel:
    def put(self, item):
        self.items.append(item)

    def next(self):
        self.at += self.width
        return self.items[self.at]
