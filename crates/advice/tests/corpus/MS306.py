# --- a sieve
def primes(count):
    composite = [False] * count  # MS306
    for number in range(2, count):
        if not composite[number]:
            for other in range(number * number, count, number):
                composite[other] = True
    return [number for number in range(2, count) if not composite[number]]
# +++ fixed, unsafe
def primes(count):
    composite = bytearray(1) * count  # MS306
    for number in range(2, count):
        if not composite[number]:
            for other in range(number * number, count, number):
                composite[other] = True
    return [number for number in range(2, count) if not composite[number]]
# --- true at first
def free(count, used):
    free = [True] * (count + 1)  # MS306
    for number in used:
        free[number] = False
    return sum(free)
# +++ fixed, unsafe
def free(count, used):
    free = bytearray(b"\x01") * (count + 1)  # MS306
    for number in used:
        free[number] = False
    return sum(free)
# --- zero and one
def seen(graph, start):
    seen = len(graph) * [0]  # MS306
    stack = [start]
    while stack:
        node = stack.pop()
        if not seen[node]:
            seen[node] = 1
            stack.extend(graph[node])
    return sum(seen)
# +++ fixed, unsafe
def seen(graph, start):
    seen = len(graph) * bytearray(1)  # MS306
    stack = [start]
    while stack:
        node = stack.pop()
        if not seen[node]:
            seen[node] = 1
            stack.extend(graph[node])
    return sum(seen)
# --- a large number
def bits(numbers):
    found = [False] * 100_000  # MS306
    for number in numbers:
        found[number] = True
    for number, is_there in enumerate(found):
        if is_there:
            print(number)
# +++ fixed, unsafe
def bits(numbers):
    found = bytearray(1) * 100_000  # MS306
    for number in numbers:
        found[number] = True
    for number, is_there in enumerate(found):
        if is_there:
            print(number)
# --- two of them
def match(left, right):
    a = [False] * len(left)  # MS306
    b = [False] * len(right)  # MS306
    for x, y in pairs(left, right):
        if not a[x] and not b[y]:
            a[x] = True
            b[y] = True
    return sum(a)
# +++ fixed, unsafe
def match(left, right):
    a = bytearray(1) * len(left)  # MS306
    b = bytearray(1) * len(right)  # MS306
    for x, y in pairs(left, right):
        if not a[x] and not b[y]:
            a[x] = True
            b[y] = True
    return sum(a)
# --- numbers are counted
def counts(numbers, count):
    counts = [0] * count
    for number in numbers:
        counts[number] += 1
    return max(counts)
# --- returned
def seen(numbers, count):
    seen = [False] * count
    for number in numbers:
        seen[number] = True
    return seen
# --- anything is stored
def table(pairs, count):
    table = [0] * count
    for at, value in pairs:
        table[at] = value
    return max(table)
# --- few
def weekdays(days):
    found = [False] * 7
    for day in days:
        found[day] = True
    return sum(found)
# --- printed
def show(numbers, count):
    seen = [False] * count
    for number in numbers:
        seen[number] = True
    print(seen)
# --- a slice is set
def sieve(count):
    prime = [True] * count
    for number in range(2, count):
        prime[number * number :: number] = [False] * len(range(number * number, count, number))
    return sum(prime)
# --- a flag is returned
def is_seen(numbers, count, wanted):
    seen = [False] * count
    for number in numbers:
        seen[number] = True
    return seen[wanted]
# --- None means not known
def known(numbers, count):
    known = [None] * count
    for number in numbers:
        known[number] = True
    return sum(1 for x in known if x)
# --- as many as arguments
def arrays(*args):
    is_array = [False] * len(args)
    for at, argument in enumerate(args):
        if hasattr(argument, "shape"):
            is_array[at] = True
    return sum(is_array)
# --- compared by is
def orbit(count, numbers):
    used = [False] * count
    for number in numbers:
        if used[number] is False:
            used[number] = True
            show(number)
