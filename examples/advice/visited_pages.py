"""Which of a million pages a crawler has seen: nothing but yes and no."""

import inputs

PAGES = 4_000_000


def crawl(count):
    seen = [False] * PAGES
    new = 0
    for number in inputs.numbers(count):
        page = number % PAGES
        if not seen[page]:
            seen[page] = True
            new += 1
    return new


print(f"{crawl(200_000):,} pages were new")
