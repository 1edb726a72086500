# --- gone through in a loop
def report(log):
    entries = [parse(line) for line in log]  # MS103
    for entry in entries:
        print(entry.text)
# +++ fixed, unsafe
def report(log):
    entries = (parse(line) for line in log)  # MS103
    for entry in entries:
        print(entry.text)
# --- given to a function that goes through it
def total(orders):
    prices = [order.price for order in orders]  # MS103
    return sum(prices)
# +++ fixed, unsafe
def total(orders):
    prices = (order.price for order in orders)  # MS103
    return sum(prices)
# --- a map in a list
def total(lines):
    numbers = list(map(int, lines))  # MS103
    return max(numbers)
# +++ fixed, unsafe
def total(lines):
    numbers = map(int, lines)  # MS103
    return max(numbers)
# --- gone through by a comprehension
def names(users):
    known = [user for user in users if user.name]  # MS103
    count = 0
    return {user.name: user.id for user in known}
# +++ fixed, unsafe
def names(users):
    known = (user for user in users if user.name)  # MS103
    count = 0
    return {user.name: user.id for user in known}
# --- through enumerate
def show(rows):
    lines = [row.text for row in rows]  # MS103
    return [number for number, line in enumerate(lines) if line]
# +++ fixed, unsafe
def show(rows):
    lines = (row.text for row in rows)  # MS103
    return [number for number, line in enumerate(lines) if line]
# --- in the same block of a with
def longest(path):
    with open(path) as file:
        lengths = [len(line) for line in file]  # MS103
        return max(lengths)
# +++ fixed, unsafe
def longest(path):
    with open(path) as file:
        lengths = (len(line) for line in file)  # MS103
        return max(lengths)
# --- used twice
def total(orders):
    prices = [order.price for order in orders]
    return sum(prices) / len(prices)
# --- gone through in an outer loop
def pairs(left, right):
    keys = [x.key for x in right]
    for one in left:
        for key in keys:
            yield one, key
# --- gone through by a second for
def pairs(left, right):
    keys = [x.key for x in right]
    return [(one, key) for one in left for key in keys]
# --- the loop changes what it was made of
def prune(users):
    old = [user for user in users if user.old]
    for user in old:
        users.remove(user)
# --- so does a method of the same object
def close(self):
    old = [item for item in self.items if item.old]
    for item in old:
        self.drop(item)
# --- changed in between
def total(orders):
    prices = [order.price for order in orders]
    orders.clear()
    return sum(prices)
# --- an inner function may ask for it again
def total(orders):
    prices = [order.price for order in orders]
    def again():
        return sum(prices)
    return again
# --- the file is closed by then
def longest(path):
    with open(path) as file:
        lengths = [len(line) for line in file]
    return max(lengths)
# --- errors would come elsewhere
def total(lines):
    numbers = [int(line) for line in lines]
    try:
        return sum(numbers)
    except ValueError:
        return None
# --- returned
def prices(orders):
    result = [order.price for order in orders]
    return result
# --- bound again
def total(orders, more):
    prices = [order.price for order in orders]
    if more:
        prices = more
    return sum(prices)
# --- indexed
def last(orders):
    prices = [order.price for order in orders]
    return prices[-1]
# --- a module's names are known to others
prices = [order.price for order in orders]
total = sum(prices)
# --- locals reads it
def total(orders):
    prices = [order.price for order in orders]
    check(**locals())
    return sum(prices)
# --- handed to a generator that runs later
def lazy(orders):
    prices = [order.price for order in orders]
    return (price for price in prices)
# --- it yields between the items
def items(orders):
    prices = [order.price for order in orders]
    yield from prices
