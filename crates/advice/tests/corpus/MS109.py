# --- gone through
def show(count):
    for number in list(range(count)):  # MS109
        print(number)
# +++ fixed, safe
def show(count):
    for number in range(count):  # MS109
        print(number)
# --- in a comprehension
squares = [x * x for x in list(range(1000))]  # MS109
# +++ fixed, safe
squares = [x * x for x in range(1000)]  # MS109
# --- in a variable
def primes(count):
    numbers = list(range(2, count))  # MS109
    if not len(numbers):
        return []
    return [x for x in numbers if x % 2]
# +++ fixed, unsafe
def primes(count):
    numbers = range(2, count)  # MS109
    if not len(numbers):
        return []
    return [x for x in numbers if x % 2]
# --- searched and indexed
def find(count, x):
    numbers = list(range(0, count, 3))  # MS109
    return x in numbers and numbers[0] < x
# +++ fixed, unsafe
def find(count, x):
    numbers = range(0, count, 3)  # MS109
    return x in numbers and numbers[0] < x
# --- zipped
def number(rows):
    numbers = list(range(len(rows)))  # MS109
    return dict(zip(numbers, rows))
# +++ fixed, unsafe
def number(rows):
    numbers = range(len(rows))  # MS109
    return dict(zip(numbers, rows))
# --- shuffled
import random

def deck(count):
    cards = list(range(count))
    random.shuffle(cards)
    return cards
# --- returned
def numbers(count):
    return list(range(count))
# --- changed
def sieve(count):
    numbers = list(range(count))
    numbers[0] = None
    return sum(1 for x in numbers if x)
# --- compared
def check(result, count):
    expected = list(range(count))
    return result == expected
# --- few
for number in list(range(10)):
    print(number)
# --- handed on
def send(count, socket):
    numbers = list(range(count))
    socket.send(numbers)
# --- a module's name
numbers = list(range(1000))
print(len(numbers))
# --- as many as there are dimensions
def ricci(space, riemann):
    indices = list(range(space.dim))
    return [[riemann[i, j] for i in indices] for j in indices]
# --- as many as there are generators of a ring
def symmetric(ring):
    n = len(ring.gens)
    weights = list(range(n, 0, -1))
    return max(weights)
