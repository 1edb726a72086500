# --- a child
class Node:
    def __init__(self, parent):
        self.parent = parent  # MS408
        parent.children.append(self)
# --- by a method
class Node:
    def __init__(self, parent, name):
        self.parent = parent  # MS408
        self.name = name
        parent.add(self)
# --- by an attribute
class Cursor:
    def __init__(self, connection):
        self.connection = connection  # MS408
        connection.cursor = self
# --- by a table
class Session:
    def open(self, server, key):
        self.server = server  # MS408
        server.sessions[key] = self
# --- a set
class Row:
    def attach(this, table):
        this.table = table  # MS408
        table.rows.add(this)
# --- one way only
class Node:
    def __init__(self, parent):
        self.parent = parent
# --- a weak reference
import weakref

class Node:
    def __init__(self, parent):
        self.parent = weakref.ref(parent)
        parent.children.append(self)
# --- something else is added
class Node:
    def __init__(self, parent):
        self.parent = parent
        parent.children.append(Node(None))
# --- another parent
class Node:
    def __init__(self, parent, other):
        self.parent = parent
        other.children.append(self)
# --- only asked
class Node:
    def __init__(self, parent):
        self.parent = parent
        self.at = parent.children.index(self)
# --- a function
def add(node, parent):
    node.parent = parent
    parent.children.append(node)
