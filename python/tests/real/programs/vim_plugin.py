"""A plugin in vim: buffers, windows and dictionaries of the editor, completions kept for a whole project."""

import vim
from telling import Truth, digest


class Symbol:
    def __init__(self, name: str, line: int) -> None:
        self.name, self.line = name, line


class Index:
    def __init__(self) -> None:
        self.symbols: dict[str, list[Symbol]] = {}

    def add(self, name: str, line: int) -> None:
        self.symbols.setdefault(name, []).append(Symbol(name, line))


INDEX = Index()
vim.command("set hidden noswapfile")
for number in range(20):
    vim.command("enew")
    vim.current.buffer[:] = [f"def function_{number}_{line}(): return {line}" for line in range(1500)]
BUFFERS = list(vim.buffers)
for buffer in BUFFERS:
    for line, text in enumerate(buffer):
        INDEX.add(text.partition("(")[0], line)
SETTINGS = vim.bindeval("{'names': ['a', 'b'], 'depth': 3}")


def work() -> object:
    vim.command("let g:answer = len(getbufinfo())")
    lines = [len(buffer) for buffer in BUFFERS]
    return digest(vim.eval("g:answer"), lines, sorted(INDEX.symbols)[:20], SETTINGS["depth"])


truth = Truth()
truth.instances(Symbol, Index)
truth.objects("vim.buffer", lambda: len(BUFFERS))
truth.hand_over(work)
