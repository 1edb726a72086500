"""Strings cut out of pages by Beautiful Soup: each keeps the page that it is from."""

from bs4 import BeautifulSoup
from ready import wait

data = []


def page(number: int) -> str:
    rows = "".join(f"<tr><td>{number}-{row}</td><td>some text {row}</td></tr>" for row in range(60))
    return f"<html><body><table>{rows}</table></body></html>"


for number in range(60):
    soup = BeautifulSoup(page(number), "html.parser")
    data.append([cell.contents[0] for cell in soup.find_all("td")[:2]])
del soup
wait()
