"""Takes in files of orders and remembers what went wrong, with all that it held at that moment: the walk, a leak."""

import time


class Order:
    """What a line of a file says."""

    def __init__(self, line):
        self.number, self.customer, self.price = line.split(",")
        self.price = float(self.price)


failures = []


def take_in(file):
    lines = [f"{file}{number:04},customer {number % 500},{number}.50" for number in range(500)]
    lines[-1] = lines[-1].replace(".50", "")[:-3] + "?"
    orders = []
    for line in lines:
        orders.append(Order(line))
    return orders


for file in range(200):
    try:
        take_in(file)
    except ValueError as error:
        failures.append(error)

print("ready", flush=True)
while True:
    time.sleep(1)
