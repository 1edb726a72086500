# --- a dict
class Order:
    def __init__(self, id):
        self.id = id
        self.states = {"new": 0, "paid": 1}  # MS203

    def state(self, name):
        return self.states[name]

orders = [Order(id) for id in ids]
# --- a list
class Row:
    def __init__(self):
        self.columns = ["a", "b"]  # MS203

    def show(self):
        for column in self.columns:
            print(column)

def rows(lines):
    rows = []
    for line in lines:
        rows.append(Row())
    return rows
# --- a set
class Token:
    def __init__(self, text):
        self.text = text
        self.ends = {".", "!"}  # MS203

    def is_end(self):
        return self.text in self.ends

tokens = {text: Token(text) for text in texts}
# --- its length
class Token:
    def __init__(self, text):
        self.kinds = [1, 2, 3]  # MS203

    def count(self):
        return len(self.kinds)

tokens = [Token(text) for text in texts]
# --- read by others
class Shape:
    def __init__(self, text):
        self.sides = {"left": -1, "right": 1}  # MS203

def side(shape, name):
    return shape.sides.get(name)

shapes = [Shape(text) for text in texts]
# --- it is changed
class Order:
    def __init__(self):
        self.states = {"new": 0}

    def add(self, name):
        self.states[name] = 1

orders = [Order() for id in ids]
# --- by somebody else
class Order:
    def __init__(self):
        self.names = ["a"]

orders = [Order() for id in ids]
for order in orders:
    order.names.append("b")
# --- it is returned
class Order:
    def __init__(self):
        self.names = ["a"]

    def all(self):
        return self.names

orders = [Order() for id in ids]
# --- one of it
class Order:
    def __init__(self):
        self.names = ["a"]

    def first(self):
        return self.names[0]

order = Order()
# --- not the same in each
class Order:
    def __init__(self, name):
        self.names = [name]

    def first(self):
        return self.names[0]

orders = [Order(id) for id in ids]
# --- empty
class Order:
    def __init__(self):
        self.names = []

    def first(self):
        return self.names[0]

orders = [Order() for id in ids]
# --- lists in it
class Order:
    def __init__(self):
        self.names = {"a": []}

    def add(self, x):
        self.names["a"].append(x)

orders = [Order() for id in ids]
