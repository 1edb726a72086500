# --- a list
import csv

rows = list(csv.DictReader(file))  # MS309
# --- under a name first
import csv

def read(file):
    reader = csv.DictReader(file, delimiter=";")
    return list(reader)  # MS309
# --- appended
from csv import DictReader

def read(file):
    rows = []
    for row in DictReader(file):  # MS309
        if row["price"]:
            rows.append(row)
    return rows
# --- collected
import csv

rows = [row for row in csv.DictReader(file) if row["price"]]  # MS309
# --- by a key
import csv

by_name = {row["name"]: row for row in csv.DictReader(file)}  # MS309
# --- in a table
import csv

def read(file, table):
    for row in csv.DictReader(file):  # MS309
        table[row["id"]] = row
# --- gone through
import csv

for row in csv.DictReader(file):
    send(row["name"])
# --- parts of it are kept
import csv

names = [row["name"] for row in csv.DictReader(file)]
# --- tuples
import csv

rows = list(csv.reader(file))
# --- another reader
from tools import DictReader

rows = list(DictReader(file))
# --- made to something else
import csv

def read(file):
    rows = []
    for row in csv.DictReader(file):
        rows.append(Row(**row))
    return rows
# --- the first only
import csv

first = next(csv.DictReader(file))
