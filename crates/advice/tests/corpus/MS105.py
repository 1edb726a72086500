# --- readlines in a loop
with open(path) as log:
    for line in log.readlines():  # MS105
        count(line)
# +++ fixed, safe
with open(path) as log:
    for line in log:  # MS105
        count(line)
# --- of a file of unknown making
def count(log):
    return sum(1 for line in log.readlines() if line)  # MS105
# +++ fixed, unsafe
def count(log):
    return sum(1 for line in log if line)  # MS105
# --- opened on the spot
words = [line.strip() for line in open(path).readlines()]  # MS105
# +++ fixed, safe
words = [line.strip() for line in open(path)]  # MS105
# --- in a variable
def show(path):
    with open(path) as log:
        lines = log.readlines()  # MS105
        for line in lines:
            print(line)
# +++ fixed, unsafe
def show(path):
    with open(path) as log:
        lines = log  # MS105
        for line in lines:
            print(line)
# --- the whole text, split
with open(path) as log:
    for line in log.read().splitlines():  # MS105
        count(line)
    total = max(len(line) for line in log.read().split("\n"))  # MS105
# --- numbered
for number, line in enumerate(open(path).readlines()):
    print(number, line)
# --- used twice
def show(path):
    with open(path) as log:
        lines = log.readlines()
    print(len(lines))
    for line in lines:
        print(line)
# --- behind the with the file is closed
def show(path):
    with open(path) as log:
        lines = log.readlines()
    for line in lines:
        print(line)
# --- the file is written again in the loop
for line in open(path).readlines():
    with open(path, "a") as out:
        out.write(line)
# --- the loop reads on
with open(path) as log:
    for line in log.readlines():
        log.seek(0)
# --- bounded
for line in log.readlines(100):
    print(line)
# --- reversed needs all
for line in reversed(log.readlines()):
    print(line)
# --- a text that was not read from a file
for line in reply.read().splitlines():
    print(line)
# --- split at something else
with open(path) as log:
    for part in log.read().split(";"):
        print(part)
