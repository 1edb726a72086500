# --- a reader of split text
import csv

with open(path) as file:
    for row in csv.reader(file.read().splitlines()):  # MS115
        add(row)
# +++ fixed, unsafe
import csv

with open(path) as file:
    for row in csv.reader(file):  # MS115
        add(row)
# --- split at newlines, with a dialect
import csv

with open(path) as file:
    rows = csv.reader(file.read().split("\n"), delimiter=";")  # MS115
# +++ fixed, unsafe
import csv

with open(path) as file:
    rows = csv.reader(file, delimiter=";")  # MS115
# --- dicts
from csv import DictReader

rows = DictReader(open(path).read().splitlines())  # MS115
# +++ fixed, unsafe
from csv import DictReader

rows = DictReader(open(path))  # MS115
# --- all lines
import csv

with open(path) as file:
    for row in csv.reader(file.readlines()):  # MS115
        add(row)
# +++ fixed, unsafe
import csv

with open(path) as file:
    for row in csv.reader(file):  # MS115
        add(row)
# --- assigned
import csv

def rows(path):
    file = open(path)
    return csv.reader(file.readlines())  # MS115
# +++ fixed, unsafe
import csv

def rows(path):
    file = open(path)
    return csv.reader(file)  # MS115
# --- the file itself
import csv

with open(path) as file:
    rows = csv.reader(file)
# --- a text of elsewhere
import csv

rows = csv.reader(text.splitlines())
# --- a reply
import csv

rows = csv.reader(reply.read().splitlines())
# --- another reader
rows = reader(open(path).read().splitlines())
# --- some lines are left out
import csv

with open(path) as file:
    rows = csv.reader(file.readlines()[3:])
# --- a method of that name
rows = self.csv.reader(open(path).readlines())
