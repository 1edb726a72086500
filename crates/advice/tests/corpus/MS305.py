# --- a comprehension
def show(lines):
    heights = [float(line) for line in lines]  # MS305
    for at in range(len(heights)):
        print(heights[at])
# --- filled
def weights(count, pairs):
    sums = [0.0] * count  # MS305
    for at, weight in pairs:
        sums[at] += weight
    return max(sums)
# --- appended
import math

def longest(points):
    lengths = []  # MS305
    for x, y in points:
        lengths.append(math.hypot(x, y))
    return max(lengths) - min(lengths)
# --- by a formula
import random

def mean(count):
    xs = [random.random() * 2 - 1.0 for _ in range(count)]  # MS305
    return sum(xs) / len(xs), sorted(xs)[0]
# --- stored
def smooth(values):
    out = [1.0] * len(values)  # MS305
    for at, value in enumerate(values):
        out[at] = float(value)
    for x in out:
        print(x)
# --- returned
def heights(lines):
    heights = [float(line) for line in lines]
    return heights
# --- None is put in
def show(lines):
    heights = []
    for line in lines:
        heights.append(float(line) if line else None)
    for height in heights:
        print(height)
# --- ints
def show(lines):
    numbers = [int(line) for line in lines]
    for number in numbers:
        print(number)
# --- passed on
import json

def show(lines):
    heights = [float(line) for line in lines]
    print(json.dumps(heights))
# --- few
def show():
    heights = [float(text) for text in ("1", "2")]
    print(heights[0])
    weights = [0.0] * 10
    print(weights[0])
# --- compared
def same(lines):
    heights = [float(line) for line in lines]
    return heights == [0.0]
# --- another float
def show(float, lines):
    heights = [float(line) for line in lines]
    print(heights[0])
# --- seen by another function
def show(lines):
    heights = [float(line) for line in lines]
    def at(i):
        return heights[i]
    return at
# --- what is divided may be a path
def show(parts):
    paths = [root / part for part in parts]
    for path in paths:
        print(path)
