"""The heap of small objects in a known state, and the allocator's own word on it.

    pymalloc.py STATE OUT [subinterpreter]

STATE is `plain`, `alternate` (every second object freed), `sparse` (all but one object of each pool freed), `returned`
(whole arenas given back) or `mixed` (all sizes, freed at random). What `sys._debugmallocstats()` prints goes to OUT.stats,
what `sys.getallocatedblocks()` says to OUT.blocks; between those words and the pause nothing is allocated that is not
freed again. Asked once more after the pause, it says what `sys.getallocatedblocks()` says then. With `subinterpreter` all of this happens inside one.
"""

SOURCE = """
import array, io, os, random, sys

def keep_some(state):
    if state == "plain":
        return None
    sizes = range(16, 513, 16) if state == "mixed" else (48, 64, 512)
    rounds = 120000 if state == "mixed" else 60000
    things = [bytes(sizes[i % len(sizes)] - 40) if sizes[i % len(sizes)] >= 40 else float(i) for i in range(rounds)]
    if state == "alternate":
        return things[::2]
    if state == "sparse":
        return things[::997]
    if state == "mixed":
        dice = random.Random(7)
        return [thing for thing in things if dice.random() < 0.3]
    things.clear()
    return things[:10]

def say(path, ready, kept):
    words = os.open(path + ".blocks", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    stats = os.open(path + ".stats", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(stats, 2)
    seek, write, truncate = os.lseek, os.write, os.ftruncate
    wait, answer = io.FileIO(0, closefd=False).readinto, bytearray(64)
    blocks, tell = sys.getallocatedblocks, sys._debugmallocstats
    counts = array.array("q", [0, -1])
    while counts[0] != counts[1]:
        counts[1] = counts[0]
        counts[0] = blocks()
        truncate(words, 0)
        seek(words, 0, 0)
        write(words, b"%d" % counts[0])
    tell()
    write(1, ready)
    wait(answer)
    write(1, b'{"blocks": %d}\\n' % blocks())
    wait(answer)
"""


def main():
    import gc
    import json
    import os
    import sys

    gc.disable()
    state, path = sys.argv[1:3]
    ready = (json.dumps({"ready": True, "pid": os.getpid()}) + "\n").encode()
    code = SOURCE + "say(%r, %r, keep_some(%r))\n" % (path, ready, state)
    if "subinterpreter" in sys.argv:
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        interpreters.run_string(interpreters.create(), code)
    else:
        exec(compile(code, "<state>", "exec"), {"__name__": "__main__"})


main()
