# --- backwards
def show(rows):
    lines = [row.text for row in rows]
    for line in lines[::-1]:  # MS112
        print(line)
    return lines
# +++ fixed, safe
def show(rows):
    lines = [row.text for row in rows]
    for line in reversed(lines):  # MS112
        print(line)
    return lines
# --- all but the first
def show(rows):
    lines = sorted(rows)
    for line in lines[1:]:  # MS112
        print(line)
# --- two lists
def show(rows, others):
    left, right = None, None
    first = [row.text for row in rows]
    second = [row.text for row in others]
    for line in first + second:  # MS112
        print(line)
# --- a copy of all
def show(rows):
    lines = list(rows)
    for line in lines[:]:  # MS112
        print(line)
# +++ fixed, safe
def show(rows):
    lines = list(rows)
    for line in lines:  # MS112
        print(line)
# --- in a loop in a loop
def show(rows):
    for row in rows:
        cells = [cell for cell in row]
        for cell in cells[2:]:  # MS112
            print(cell)
# --- the loop changes it
def prune(rows):
    lines = list(rows)
    for line in lines[:]:
        if not line:
            lines.remove(line)
# --- not known to be a list
def show(rows):
    for row in rows[1:]:
        print(row)
# --- a text
def show(text):
    for letter in text[::-1]:
        print(letter)
# --- an array
import numpy

def show(n):
    numbers = numpy.arange(n)
    for number in numbers[1:]:
        print(number)
# --- a window
def show(rows):
    lines = list(rows)
    for line in lines[3:7]:
        print(line)
# --- the last few
def show(rows):
    lines = list(rows)
    for line in lines[-3:]:
        print(line)
# --- few
def show(a, b):
    lines = list((a, b))
    for line in lines[1:]:
        print(line)
