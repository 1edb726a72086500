# --- gone through
def show(n):
    for number in list(range(n)):  # MS109
        print(number)
# +++ fixed, safe
def show(n):
    for number in range(n):  # MS109
        print(number)
# --- in a comprehension
squares = [x * x for x in list(range(1000))]  # MS109
# +++ fixed, safe
squares = [x * x for x in range(1000)]  # MS109
# --- in a variable
def primes(n):
    numbers = list(range(2, n))  # MS109
    if not len(numbers):
        return []
    return [x for x in numbers if x % 2]
# +++ fixed, unsafe
def primes(n):
    numbers = range(2, n)  # MS109
    if not len(numbers):
        return []
    return [x for x in numbers if x % 2]
# --- searched and indexed
def find(n, x):
    numbers = list(range(0, n, 3))  # MS109
    return x in numbers and numbers[0] < x
# +++ fixed, unsafe
def find(n, x):
    numbers = range(0, n, 3)  # MS109
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

def deck(n):
    cards = list(range(n))
    random.shuffle(cards)
    return cards
# --- returned
def numbers(n):
    return list(range(n))
# --- changed
def sieve(n):
    numbers = list(range(n))
    numbers[0] = None
    return sum(1 for x in numbers if x)
# --- compared
def check(result, n):
    expected = list(range(n))
    return result == expected
# --- few
for number in list(range(10)):
    print(number)
# --- handed on
def send(n, socket):
    numbers = list(range(n))
    socket.send(numbers)
# --- a module's name
numbers = list(range(1000))
print(len(numbers))
