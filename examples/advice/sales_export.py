"""Sales of a database written as text: all rows of a query, of which one is needed at a time."""

import sqlite3

import inputs


def export(path):
    database = sqlite3.connect(path)
    checksum = count = 0
    for customer, cents in database.execute("select customer, cents from sale").fetchall():
        line = f"{customer};{cents / 100:.2f}\n"
        checksum = (checksum * 31 + len(line) * cents) % 1_000_003
        count += 1
    return count, checksum


print("{:,} lines, checksum {}".format(*export(inputs.shop_database(200_000))))
