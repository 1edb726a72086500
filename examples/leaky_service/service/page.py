"""Pages as trees of elements. Each element knows its parent: cycles, which the collector frees."""

from service import catalog, templates


class Element:
    """A node of a page."""

    def __init__(self, tag, text="", parent=None):
        self.tag = tag
        self.text = text
        self.parent = parent
        self.children = []
        if parent is not None:
            parent.children.append(self)

    def html(self):
        inner = "".join(child.html() for child in self.children)
        return "<{0}>{1}{2}</{0}>".format(self.tag, self.text, inner)


def render(item, user):
    """The page of an item for a user."""
    root = Element("html")
    body = Element("body", parent=root)
    Element("h1", templates.text("greeting", user[:1]) + user, body)
    Element("h2", item.name, body)
    goods = Element("ul", parent=body)
    for other in catalog.similar(item):
        Element("li", other.name + ": " + other.description, goods)
    return root.html()
