# --- partials
from functools import partial

jobs = [partial(send, user) for user in users]  # MS208
# --- lambdas
def handlers(names):
    found = {}
    for name in names:
        found[name] = lambda event: show(event)  # MS208
    return found
# --- appended
def jobs(users):
    jobs = []
    for user in users:
        jobs.append(lambda user=user: send(user))  # MS208
    return jobs
# --- in a pair
pairs = [(name, lambda: name) for name in names]  # MS208
# --- in a dict
import functools

table = {name: functools.partial(call, name) for name in names}  # MS208
# --- few, and written out
table = {name: lambda: name for name in ("a", "b")}
# --- used at once
for row in rows:
    cells = sorted(row, key=lambda cell: cell.column)
# --- one function for all
key = lambda row: row.price
rows.sort(key=key)
# --- not kept
for user in users:
    call = partial(send, user)
    call()
# --- another partial
from mock import partial

jobs = [partial(send, user) for user in users]
# --- not in a loop
jobs.append(lambda: send(user))
