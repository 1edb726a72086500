"""Who wants to hear of a purchase. Leaks: every request subscribes, nobody unsubscribes."""

_listeners = []


class Recommender:
    """Suggests goods to a user after a purchase."""

    def __init__(self, user, item):
        self.user = user
        self.weights = [item.price * factor for factor in range(40)]

    def on_purchase(self, item):
        return self.user, max(self.weights) > item.price


def subscribe(listener):
    """Calls ``listener(item)`` at every purchase from now on."""
    _listeners.append(listener)


def publish(item):
    """Tells every listener of a purchase."""
    return [listener(item) for listener in _listeners]
