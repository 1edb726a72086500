# --- a comprehension
def show(pairs):
    rows = [{"name": name, "price": price} for name, price in pairs]  # MS308
    for row in rows:
        print(row["name"], row["price"])
# --- appended
def show(lines):
    rows = []
    for line in lines:
        name, price = line.split()
        rows.append({"name": name, "price": price})  # MS308
    print(len(rows))
    for row in rows:
        print(row["name"])
# --- by number
def last(pairs):
    rows = [{"a": a, "b": b} for a, b in pairs]  # MS308
    return rows[-1]["a"]
# --- in a comprehension
def total(pairs):
    rows = [{"name": name, "price": price} for name, price in pairs]  # MS308
    if not rows:
        return 0
    return sum(row["price"] for row in rows), max(row["price"] for row in rows)
# --- many keys
def show(rows):
    found = [{"a": r.a, "b": r.b, "c": r.c, "d": r.d, "e": r.e, "f": r.f} for r in rows]  # MS308
    for one in found:
        print(one["a"], one["f"])
# --- returned
def rows(pairs):
    rows = [{"name": name} for name in pairs]
    for row in rows:
        print(row["name"])
    return rows
# --- a dict is passed on
import json

def show(pairs):
    rows = [{"name": name} for name in pairs]
    for row in rows:
        print(json.dumps(row))
# --- a dict is changed
def show(pairs):
    rows = [{"name": name} for name in pairs]
    for row in rows:
        row["length"] = len(row["name"])
        print(row["length"])
# --- keys that differ
def show(pairs):
    rows = [{key: value} for key, value in pairs]
    for row in rows:
        print(row["a"])
# --- two shapes
def show(lines):
    rows = []
    for line in lines:
        if line:
            rows.append({"name": line})
        else:
            rows.append({"empty": True})
    for row in rows:
        print(row["name"])
# --- few
def show():
    rows = [{"name": name} for name in ("a", "b")]
    for row in rows:
        print(row["name"])
# --- looked up by what is not written out
def show(pairs, key):
    rows = [{"name": name} for name in pairs]
    for row in rows:
        print(row[key])
