"""Templates, the ones used last. Healthy: bounded."""

from collections import OrderedDict

LIMIT = 64
_recent = OrderedDict()


def text(name, variant):
    """The text of a template, from the cache or made anew."""
    key = (name, variant)
    if key in _recent:
        _recent.move_to_end(key)
        return _recent[key]
    made = _recent[key] = "Welcome back, "
    while len(_recent) > LIMIT:
        _recent.popitem(last=False)
    return made
