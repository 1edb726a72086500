"""``%%memsight_run``: what a cell of IPython or of a notebook allocates."""

# IPython does not say the types of what makes a magic.
# mypy: disable-error-code="no-untyped-call,untyped-decorator,union-attr"

from __future__ import annotations

import html
import json
import os
import tempfile
from typing import TYPE_CHECKING, Any, Optional

from ._errors import Error
from ._platform import native
from ._text import size
from ._tracker import SAMPLE, Tracker

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

# Lines that are shown of a cell.
_LINES = 10


class Report:
    """What a cell allocated: text in a terminal, a table and a flame graph in a notebook."""

    def __init__(self, path: str, kept: bool) -> None:
        self.summary: dict[str, Any] = json.loads(native().trace(path, "summary", _LINES))
        self.flame: Optional[str] = native().trace_flame(path, "peak")
        self.path = path if kept else None

    def _sentence(self) -> str:
        summary = self.summary
        error = summary["peak_error_bytes"]
        peak = size(summary["peak_bytes"]) + (f" ±{size(error)}" if error else "")
        how = (
            "every allocation" if summary["mode"] == "exact" else f"a sample of one in {size(summary['sample_bytes'])}"
        )
        text = (
            f"peak {peak}, left at the end {size(summary['end_bytes'])}, "
            f"allocated in all {size(summary['allocated_bytes'])} in {summary['allocations']:,} blocks; from {how}"
        )
        lost = summary["lost_events"]
        return text + (f"; {lost:,} events were lost" if lost else "")

    def _rows(self) -> list[tuple[str, str, str]]:
        def row(line: dict[str, Any]) -> tuple[str, str, str]:
            place = f"{line['function']} ({line['file']}:{line['line']})" if line["file"] else line["function"]
            return size(line["bytes"]), f"{line['share']:.1%}", place

        return [row(line) for line in self.summary["lines"]]

    def __repr__(self) -> str:
        lines = [f"memsight: {self._sentence()}", "At the peak, by newest frame:"]
        lines.extend(f"  {bytes_:>10}  {share:>6}  {place}" for bytes_, share, place in self._rows())
        if self.path:
            lines.append(f"next: memsight trace {self.path}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        row = "<tr><td style='text-align:right'>{}</td><td style='text-align:right'>{}</td><td style='text-align:left'>{}</td></tr>"
        rows = "".join(row.format(*(html.escape(cell) for cell in cells)) for cells in self._rows())
        head = "<tr><th>bytes</th><th>share</th><th style='text-align:left'>line</th></tr>"
        parts = [f"<p><b>memsight</b>: {html.escape(self._sentence())}</p>", f"<table>{head}{rows}</table>"]
        if self.flame:
            # In a frame of its own: its script is to see nothing of the notebook.
            page = html.escape(f"<body style='margin:0'>{self.flame}</body>", quote=True)
            parts.append(
                f'<iframe title="flame graph of the peak" sandbox="allow-scripts" srcdoc="{page}" '
                'style="width:100%;height:420px;border:0"></iframe>'
            )
        if self.path:
            parts.append(f"<p>trace: <code>{html.escape(self.path)}</code></p>")
        return "".join(parts)


def load(shell: InteractiveShell) -> None:
    """Registers the magic."""
    from IPython.core.magic import Magics, cell_magic, magics_class
    from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
    from IPython.display import display

    @magics_class
    class MemsightMagics(Magics):
        @magic_arguments()
        @argument("--exact", action="store_true", help="record every allocation instead of a sample")
        @argument("--sample", type=int, default=SAMPLE, help="bytes between samples in the mean (512 KiB)")
        @argument("-o", "--output", help="keep the trace there")
        @argument("--force", action="store_true", help="replace a trace that is there")
        @cell_magic
        def memsight_run(self, line: str, cell: str) -> None:
            """Run the cell, and say what it allocated: the peak, its lines, in a notebook also its flame graph."""
            asked = parse_argstring(self.memsight_run, line)
            with tempfile.TemporaryDirectory(prefix="memsight-") as folder:
                path = asked.output or os.path.join(folder, "cell.trace")
                tracker = Tracker(path, exact=asked.exact, sample=asked.sample, force=asked.force)
                try:
                    tracker.start()
                except Error as error:
                    print(f"memsight: {error}")
                    return
                try:
                    self.shell.run_cell(cell, store_history=False)
                finally:
                    tracker.stop()
                display(Report(path, kept=bool(asked.output)))

    shell.register_magics(MemsightMagics)
