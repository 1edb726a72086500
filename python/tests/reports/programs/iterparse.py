"""`iterparse` keeps every element that it has passed, below the root."""

import io
import xml.etree.ElementTree as ElementTree

from ready import wait


def document() -> io.StringIO:
    uninteresting = "".join(f"<uninteresting n='{n}'>text {n}</uninteresting>" for n in range(60_000))
    return io.StringIO(f"<root><section1>{uninteresting}</section1><section2><interesting/></section2></root>")


def process(file: io.StringIO) -> None:
    for _, element in ElementTree.iterparse(file):
        if element.tag == "interesting":
            wait()


process(document())
