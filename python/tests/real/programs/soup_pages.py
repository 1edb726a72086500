"""Pages parsed by Beautiful Soup: trees of Python objects that all hold each other, cut and searched."""

import re

from bs4 import BeautifulSoup, NavigableString, Tag
from telling import Truth, digest


def page(number: int) -> str:
    rows = "".join(
        f"<tr><td class='c{row % 3}'>{number}</td><td><a href='/{row}'>row {row}</a></td></tr>" for row in range(80)
    )
    return f"<html><head><title>page {number}</title></head><body><table>{rows}</table><!-- end --></body></html>"


class Page:
    def __init__(self, number: int) -> None:
        self.number = number
        self.soup = BeautifulSoup(page(number), "html.parser")
        self.title = self.soup.title.string


PAGES = [Page(number) for number in range(60)]
# Strings cut out of trees that nobody else holds: each keeps its whole tree.
CUT = [BeautifulSoup(page(number), "html.parser").find("td").string for number in range(15)]


def work() -> object:
    links = [[link["href"] for link in each.soup.find_all("a", href=re.compile("7$"))] for each in PAGES]
    BeautifulSoup(page(7), "html.parser").find("table").extract()
    return digest(links, [str(each.title) for each in PAGES], [str(text) for text in CUT])


truth = Truth("beautifulsoup4")
truth.instances(Page, Tag, NavigableString, BeautifulSoup)
truth.hand_over(work)
