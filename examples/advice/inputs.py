"""Inputs for the programs of this folder: made where they are not there yet, the same each time, and written line by line."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator

COUNTRIES = ("Germany", "France", "Netherlands", "United Kingdom", "Switzerland", "Portugal")
STATES = ("ordered", "paid in advance", "packed", "sent", "returned by customer")
PATHS = ("/", "/cart", "/search", "/product/view", "/account/settings")


def numbers(count: int, seed: int = 1) -> Iterator[int]:
    """Numbers below 2**31 that look like chance (a linear congruential generator)."""
    state = seed
    for _ in range(count):
        state = (1103515245 * state + 12345) % 2147483648
        yield state >> 8


def written(name: str, lines: Iterator[str]) -> str:
    """Writes a file unless it is there: its path."""
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        with open(path + ".part", "w", encoding="utf-8") as file:
            file.writelines(lines)
        os.replace(path + ".part", path)
    return path


def access_log(count: int) -> str:
    """Lines of a web server."""

    def line(number: int) -> str:
        status = (200, 200, 200, 304, 404, 500)[number % 6]
        return f"10.0.{number % 256}.{number % 199} GET {PATHS[number % 5]}?id={number} {status} {number % 90_000}\n"

    return written(f"access-{count}.log", (line(number) for number in numbers(count)))


def orders(count: int) -> str:
    """Orders: number, country, city, state, payment, price."""

    def line(at: int, number: int) -> str:
        country = COUNTRIES[number % 6]
        return f"{at};{country};{country} city {number % 20};{STATES[number % 5]};card {number % 3};{number % 100_000 / 100}\n"

    return written(f"orders-{count}.csv", (line(at, number) for at, number in enumerate(numbers(count))))


def readings(count: int) -> str:
    """Temperatures, one a line."""
    return written(f"readings-{count}.txt", (f"{number % 60_000 / 1000 - 20:.3f}\n" for number in numbers(count)))


def shop_database(count: int) -> str:
    """A database with one table, `sale`."""
    path = written(f"shop-{count}.sqlite", iter(()))
    with sqlite3.connect(path) as database:
        database.execute("create table if not exists sale (customer text, cents integer)")
        if database.execute("select count(*) from sale").fetchone() == (0,):
            rows = ((f"customer {number % 5000}", number % 20_000) for number in numbers(count))
            database.executemany("insert into sale values (?, ?)", rows)
    database.close()
    return path
