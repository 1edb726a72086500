"""A session of gdb: values, types and symbols of a program under inspection, commands and printers in Python."""

import gdb
from telling import Truth, digest


class Finding:
    def __init__(self, number: int) -> None:
        self.value = gdb.Value(number)
        self.text = f"finding {number}"


class Walk(gdb.Command):
    """walk: a command of the user's own."""

    def __init__(self) -> None:
        super().__init__("walk", gdb.COMMAND_USER)
        self.seen: list[Finding] = []

    def invoke(self, argument: str, from_tty: bool) -> None:
        self.seen.append(Finding(int(argument)))


WALK = Walk()
for number in range(3000):
    gdb.execute(f"walk {number}")
CALLED: list[object] = []
gdb.events.exited.connect(CALLED.append)
TYPE = gdb.Value(1).type


def work() -> object:
    total = sum(int(finding.value + 1) for finding in WALK.seen)
    return digest(total, gdb.execute("output 6 * 7", to_string=True), str(TYPE), TYPE.sizeof)


truth = Truth()
truth.instances(Finding, Walk)
truth.objects("gdb.Value", lambda: len(WALK.seen))
truth.hand_over(work)
