"""One exception for a whole module, raised again and again: its traceback grows by each raise, with all locals."""

from ready import wait


class Book:
    __slots__ = ("description", "cost")

    def __init__(self, cost: int) -> None:
        self.cost = cost
        self.description = "lorem " * 1000 + str(cost)


ParseBookException = Exception("parse book failed!")


def validate_book(book: Book) -> Book:
    if book.cost >= 0:
        raise ParseBookException
    return book


def process_books() -> None:
    for cost in range(2000):
        try:
            validate_book(Book(cost))
        except Exception:
            continue


process_books()
wait()
