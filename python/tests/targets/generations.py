"""Objects of every generation, the permanent one included, and what collections leave behind."""

import gc

import recorder


class Resurrected:
    def __del__(self):
        saved.append(self)


class Debugged:
    pass


saved = []


def layers():
    """What survived two collections, one, none."""
    old = [[number] for number in range(50)]
    gc.collect()
    gc.collect()
    middle = [[number] for number in range(50)]
    gc.collect(0)
    young = [[number] for number in range(50)]
    return [old, middle, young]


def untracked():
    """Tuples and dicts that a collection may stop tracking."""
    kept = [tuple([number, "text"]) for number in range(50)]
    kept += [{"number": number} for number in range(50)]
    kept += [(1, (2, (3, "deep"))), {"a": (1, 2)}, {1: 2.5}, ([],), {"tracked": []}, frozenset([1, 2])]
    gc.collect()
    kept.append((4, 5))
    kept[50]["later"] = [1]
    return kept


def cycles():
    """Garbage that no collection has seen yet, and what a debugging collector keeps."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    for _ in range(5):
        lost = Debugged()
        lost.self = lost
    del lost
    gc.collect()
    gc.set_debug(0)
    for _ in range(5):
        lost = Debugged()
        lost.self = [lost]
    again = Resurrected()
    again.self = again
    del again
    gc.collect()
    for _ in range(3):
        lost = Debugged()
        lost.self = {"cycle": lost}


def build():
    gc.disable()
    frozen = [[number] for number in range(100)]
    frozen.append({"frozen": Debugged()})
    gc.collect()
    gc.freeze()
    kept = [frozen, untracked()]
    cycles()
    kept.append(layers())
    return kept


if __name__ == "__main__":
    recorder.serve(build())
