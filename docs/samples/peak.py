"""What a peak leaves behind in pymalloc: a few objects in each arena."""


class Session:
    """A user and two items."""

    def __init__(self, number):
        self.user = f"user {number}"
        self.items = [str(number), str(-number)]


kept = {}
passing = [Session(number) for number in range(400_000)]
for number in range(0, len(passing), 1_600):
    kept[number] = passing[number]
passing.clear()

print("ready", flush=True)
input()
