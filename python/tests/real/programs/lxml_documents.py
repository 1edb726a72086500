"""A store of parsed documents in lxml: trees of libxml2, kept by one node, by proxies, by compiled queries."""

from lxml import etree
from telling import Truth, allocated, digest


class Catalogue:
    def __init__(self, number: int, root: etree._Element) -> None:
        self.number = number
        self.root = root
        self.first = root[0]


def document(number: int) -> bytes:
    items = "".join(
        f'<item id="{number}-{item}" price="{item * 3}"><name>item {item}</name><text>{"words " * 9}</text></item>'
        for item in range(400)
    )
    return f"<catalogue>{items}</catalogue>".encode()


etree.fromstring(document(0))  # the parser's own tables are there before anything is measured
TEXTS = [document(number) for number in range(60)]
before = allocated()
TREES = [etree.fromstring(text) for text in TEXTS]
tree_bytes = allocated() - before
CATALOGUES = [Catalogue(number, root) for number, root in enumerate(TREES)]
ONE_NODE_EACH = [etree.fromstring(text)[7] for text in TEXTS[:20]]
FIND = etree.XPath("//item[@price > $price]/name/text()")
HELD = [element for root in TREES[:5] for element in root.iter("item")]


def work() -> object:
    names = FIND(TREES[3], price=1100)
    sums = [sum(int(item.get("price")) for item in catalogue.root) for catalogue in CATALOGUES]
    return digest([str(name) for name in names], sums, [node.get("id") for node in ONE_NODE_EACH], len(HELD))


truth = Truth("lxml")
truth.instances(Catalogue)
truth.native(
    [etree._Document, etree._Element, etree.XPath],
    lambda: tree_bytes * 80 // 60,
    "malloc's statistics while the trees were parsed",
)
truth.hand_over(work)
