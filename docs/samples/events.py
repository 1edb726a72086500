"""Answers requests, each of which listens to changes, and never stops to: the guide to a leak by its line."""


class Changes:
    """Tells those who listen."""

    def __init__(self):
        self.listeners = []

    def listen(self, listener):
        self.listeners.append(listener)


changes = Changes()


class Request:
    """What a user asks for."""

    def __init__(self, number):
        self.text = f"request {number} " * 20
        changes.listen(self.changed)

    def changed(self):
        self.text = ""

    def answer(self):
        return self.text.upper()


def serve(count):
    answered = 0
    for number in range(count):
        answered += len(Request(number).answer())
    return answered


print(f"ready: {serve(20_000)} characters")
