# --- a pattern
import re

for line in lines:
    found = re.compile(r"\d+").findall(line)  # MS211
# --- a number
from decimal import Decimal

def prices(rows):
    for row in rows:
        yield row.price * Decimal("1.19")  # MS211
# --- in a comprehension
from decimal import Decimal

prices = [price * Decimal("1.19") for price in all_prices]  # MS211
# --- in a while loop
import struct

while data:
    head = struct.Struct("<IH").unpack_from(data)  # MS211
    data = data[6:]
# --- a set
for word in words:
    if word in frozenset(["a", "b", "c"]):  # MS211
        count += 1
# --- a name for it
import re

for line in lines:
    pattern = re.compile("a+")  # MS211
    pattern.match(line)
# --- it depends on the round
import re

for word in words:
    found = re.compile(word).findall(text)
# --- before the loop
import re

pattern = re.compile("a+")
for line in lines:
    pattern.match(line)
# --- kept
from decimal import Decimal

for name in names:
    totals[name] = Decimal("0")
    sums.append(Decimal("0"))
# --- the start of a sum
from decimal import Decimal

for row in rows:
    total = Decimal("0")
    for cell in row:
        total = total + cell
# --- few rounds
import re

for word in ("a", "b"):
    re.compile("a+").match(word)
# --- once
import re

def digits(line):
    return re.compile(r"\d+").findall(line)
# --- another maker
for line in lines:
    compile("a+").match(line)
