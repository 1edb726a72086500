# --- fields of a line
def orders(lines):
    found = []
    for line in lines:
        fields = line.split(",")
        found.append(Order(fields[0], float(fields[1])))  # MS201
    return found
# --- all of them
points = [Row(*line.split()) for line in lines]  # MS201
# --- of a CSV file
import csv

orders = [Order(row[2], 1) for row in csv.reader(file)]  # MS201
# --- found by a pattern
def users(lines):
    found = {}
    for line in lines:
        match = PATTERN.match(line)
        found[line] = User(match.group(1))  # MS201
    return found
# --- decoded
names = {key: Name(value.decode()) for key, value in pairs}  # MS201
# --- not kept
for line in lines:
    fields = line.split(",")
    print(Order(fields[0], fields[1]))
# --- numbers
orders = [Order(int(line.split()[0])) for line in lines]
# --- one of it
order = Order(line.split(",")[0])
# --- shared
import sys

orders = [Order(sys.intern(line.split()[0])) for line in lines]
# --- few lines
orders = [Order(line.split()[0]) for line in ("a b", "c d")]
# --- a function that is no class
orders = [parse(line.split()[0]) for line in lines]
