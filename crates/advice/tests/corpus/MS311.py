# --- two ends
class Edge:
    def __init__(self, start, end):
        self.ends = {start, end}  # MS311

    def touches(self, node):
        return node in self.ends
# --- constants
class Token:
    def __init__(self, text):
        self.kinds = {"word", "name"}  # MS311

    def show(self):
        for kind in self.kinds:
            print(kind)
# --- one
class Rule:
    def __init__(self, name):
        self.names = {name}  # MS311

    def has(self, name):
        return name in self.names
# --- four
class Box:
    def __init__(self, a, b, c, d):
        self.corners = {a, b, c, d}  # MS311

    def count(self):
        return len(self.corners)
# --- only read elsewhere
class Edge:
    def __init__(self, a, b):
        self.nodes = {a, b}  # MS311

def is_at(edge, node):
    return node in edge.nodes
# --- it grows
class Edge:
    def __init__(self, a, b):
        self.nodes = {a, b}

    def add(self, node):
        self.nodes.add(node)
# --- it is handed out
class Edge:
    def __init__(self, a, b):
        self.nodes = {a, b}

    def all(self):
        return self.nodes
# --- compared
class Edge:
    def __init__(self, a, b):
        self.nodes = {a, b}

    def __eq__(self, other):
        return self.nodes == other.nodes
# --- five
class Box:
    def __init__(self, a, b, c, d, e):
        self.corners = {a, b, c, d, e}

    def has(self, x):
        return x in self.corners
# --- of unknown size
class Box:
    def __init__(self, corners):
        self.corners = {*corners}

    def has(self, x):
        return x in self.corners
# --- a local
def show(a, b):
    ends = {a, b}
    return a in ends
