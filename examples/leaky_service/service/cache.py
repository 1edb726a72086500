"""Sessions of the users. Leaks: nothing removes a session, nor a page from its history."""

import time

_entries = {}


class Visit:
    """A page that a user saw."""

    def __init__(self, item, body):
        self.item = item
        self.body = body
        self.when = time.time()


class Session:
    """What the shop remembers of a user."""

    def __init__(self, user):
        self.user = user
        self.history = []

    def visit(self, item, body):
        self.history.append(Visit(item, body))


def session(user):
    """The session of a user, new or known."""
    key = "user:" + user
    found = _entries.get(key)
    if found is None:
        found = _entries[key] = Session(user)
    return found
