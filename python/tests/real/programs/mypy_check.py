"""mypy, compiled by mypyc, on a program of its own: native classes with vtables, trees of thousands of nodes."""

import os
import sys
import tempfile

from mypy import build, nodes, options
from mypy.modulefinder import BuildSource
from telling import Truth, digest

SOURCE = "\n".join(
    f"class C{number}:\n"
    f"    value: int = {number}\n"
    f"    def double(self, by: int = 2) -> int:\n"
    f"        parts = [self.value * step for step in range(by)]\n"
    f"        return sum(parts) + {'None' if number % 50 == 0 else number}\n"
    for number in range(600)
)


def check() -> build.BuildResult:
    chosen = options.Options()
    chosen.incremental = False
    chosen.preserve_asts = True
    chosen.cache_dir = os.devnull
    chosen.python_executable = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "program.py")
        with open(path, "w") as file:
            file.write(SOURCE)
        return build.build([BuildSource(path, "program", None)], chosen)


RESULT = check()


def work() -> object:
    tree = RESULT.files["program"]
    names = [item.name for item in tree.defs if isinstance(item, nodes.ClassDef)]
    errors = [line.split(": ", 1)[1] for line in RESULT.errors]
    return digest(names, errors)


truth = Truth("mypy")
truth.instances(nodes.ClassDef, nodes.FuncDef, nodes.NameExpr, nodes.TypeInfo, nodes.MypyFile)
truth.hand_over(work)
