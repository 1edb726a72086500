# --- summed
def total(orders):
    return sum([order.price * order.count for order in orders])  # MS101
# +++ fixed, safe
def total(orders):
    return sum(order.price * order.count for order in orders)  # MS101
# --- with a default, and a comma behind
largest = max([len(word) for word in words], default=0)  # MS101
smallest = min([len(word) for word in words],)  # MS101
# +++ fixed, safe
largest = max((len(word) for word in words), default=0)  # MS101
smallest = min((len(word) for word in words),)  # MS101
# --- over several lines, with a comment
import math

total = math.fsum(
    [  # MS101
        # prices, not counts
        row.price
        for row in rows
        if row.price
    ]
)
# +++ fixed, safe
import math

total = math.fsum(
      # MS101
        # prices, not counts
        row.price
        for row in rows
        if row.price
    
)
# --- imported under another name
from collections import Counter as Count
import array as a

words = Count([line.split()[0] for line in lines])  # MS101
numbers = a.array("d", [float(x) for x in texts])  # MS101
# +++ fixed, safe
from collections import Counter as Count
import array as a

words = Count(line.split()[0] for line in lines)  # MS101
numbers = a.array("d", (float(x) for x in texts))  # MS101
# --- any stops early
bad = any([check(x) for x in xs])  # MS101
# +++ fixed, unsafe
bad = any(check(x) for x in xs)  # MS101
# --- any of names does nothing
bad = any([x.bad for x in xs])  # MS101
# +++ fixed, safe
bad = any(x.bad for x in xs)  # MS101
# --- looked for in a list
if name in [user.name for user in users]:  # MS101
    pass
if name not in[user.name for user in users]:  # MS101
    pass
# +++ fixed, safe
if name in (user.name for user in users):  # MS101
    pass
if name not in(user.name for user in users):  # MS101
    pass
# --- written
out.writelines([line + "\n" for line in lines])  # MS101
db.executemany("insert into t values (?)", [(x,) for x in xs])  # MS101
# +++ fixed, safe
out.writelines(line + "\n" for line in lines)  # MS101
db.executemany("insert into t values (?)", ((x,) for x in xs))  # MS101
# --- only the last ones are kept
from collections import deque

last = deque([parse(line) for line in lines], 10)  # MS101
# +++ fixed, safe
from collections import deque

last = deque((parse(line) for line in lines), 10)  # MS101
# --- join makes a list of its own
text = ", ".join([str(x) for x in orders])
# --- so do sorted, tuple and calls
pair = tuple([f(x) for x in orders])
names = sorted([x.name for x in orders])
print(*[x.name for x in orders])
# --- the builtin is shadowed
from numpy import sum

total = sum([x.price for x in orders])
# --- a parameter is called so
def apply(max, xs):
    return max([x for x in xs])
# --- a star import may bring another
from numpy import *

total = sum([x for x in xs])
# --- it awaits
async def total(urls):
    return sum([await size(url) for url in urls]) + sum([x async for x in urls])
# --- next may stop it
def pairs(it):
    return sum([next(it) for _ in range(100)])
# --- a short literal
ok = all([x > 0 for x in (a, b, c)])
total = sum([weights[i] for i in range(4)])
pairs = any([a == b for a, b in zip(ours, (1, 2, 3))])
# --- two arguments of min
low = min([x for x in xs], [y for y in ys])
# --- a deque without a length keeps all
from collections import deque

queue = deque([parse(line) for line in lines])
# --- a method that is called so
total = frame.sum([x for x in xs])
# --- not a comprehension
total = sum([a, b, c])
