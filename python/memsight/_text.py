"""Results as text for a REPL and as HTML for a notebook."""

from __future__ import annotations

import dataclasses
import html as _html
import operator
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

MAX_ROWS = 20
MAX_WIDTH = 60
# A character, or an escape of one that cannot be seen.
_PIECE = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[nrt])|.", re.DOTALL)


def size(count: int) -> str:
    """A number of bytes for people, 1024-based: ``12.3 MiB``."""
    if count < 1024:
        return f"{count} B"
    value = float(count)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        value /= 1024
        if value < 1023.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1024:.1f} PiB"


def cell(name: str, value: Any) -> str:
    """One value, in the unit that its name says."""
    if value is None:
        return "-"
    if name == "bytes" or name.endswith("_bytes"):
        return size(value)
    if name.endswith("_ns"):
        return f"{value / 1e6:.1f} ms"
    if name in ("share", "threshold"):
        return f"{value:.1%}"
    if isinstance(value, bool) or name in ("pid", "line", "ident", "native_id"):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, tuple):
        return " -> ".join(value) if name == "path" else f"({len(value)})"
    return str(value.name) if _is_object(name, value) else str(value)


def record(row: Any) -> str:
    """``TypeRow(type='dict', count=3, ...)`` with sizes in units; nested rows only by their number."""
    parts = (f"{name}={_visible(cell(name, value))}" for name, value in _items(row) if not _is_header(name))
    return f"{type(row).__name__}({', '.join(parts)})"


def _items(row: Any) -> list[tuple[str, Any]]:
    return [(field.name, getattr(row, field.name)) for field in dataclasses.fields(row)]


def _is_header(name: str) -> bool:
    return name in ("schema_version", "created", "mode", "partial")


def _columns(rows: Sequence[Any]) -> list[str]:
    """Columns worth a place in a table: no nested rows, no column without a value."""
    names = [field.name for field in dataclasses.fields(rows[0])]
    plain = [name for name in names if name == "path" or not any(_nested(name, getattr(row, name)) for row in rows)]
    return [name for name in plain if any(getattr(row, name) not in (None, 0, "") for row in rows)]


def _nested(name: str, value: Any) -> bool:
    return isinstance(value, tuple) or (dataclasses.is_dataclass(value) and not _is_object(name, value))


def _is_object(name: str, value: Any) -> bool:
    """The other end of a reference: one name says what it is."""
    return name == "object" and dataclasses.is_dataclass(value)


def _heading(name: str) -> str:
    return name.replace("_bytes", "").replace("_ns", "").replace("_", " ")


def table(title: str, view: Any) -> str:
    """A view as a table of its first rows."""
    count = "1 row" if len(view) == 1 else f"{len(view):,} rows"
    head = f"<{title} of pid {view.pid}, Python {_visible(view.python)}: {count}>"
    return "\n".join([head, *_lines(view)])


def table_with(title: str, view: Any, inner: str) -> str:
    """A view as a table of its first rows, and below it the rows ``inner`` of each."""
    parts = [table(title, view)]
    for heading, rows in _inner(view, inner):
        parts += ["", heading, *_lines(rows)]
    return "\n".join(parts)


def _inner(view: Any, inner: str) -> Iterator[tuple[str, Sequence[Any]]]:
    """What each of the first rows has within it, under a heading that names the row by its first field."""
    for row in view[:MAX_ROWS]:
        name = dataclasses.fields(row)[0].name
        if getattr(row, inner):
            yield f"{_heading(inner)} of {cell(name, getattr(row, name))}", getattr(row, inner)


def tables(view: Any) -> str:
    """A view with several sorts of rows: its figures, and each sort as a table."""
    parts = _figures(view)
    for name, rows in _sorts(view):
        parts += ["", _heading(name), *_lines(rows)]
    return "\n".join(parts)


def _figures(view: Any) -> list[str]:
    """The figures of a view in a line, and each record that it holds in one of its own."""
    items = [(name, value) for name, value in _items(view) if not _is_header(name) and not isinstance(value, tuple)]
    plain = ", ".join(f"{name}={_visible(cell(name, value))}" for name, value in items if not _nested(name, value))
    records = [f"{name}={record(value)}" for name, value in items if _nested(name, value)]
    return [f"{type(view).__name__}({plain})", *records]


def _sorts(view: Any) -> Iterator[tuple[str, Sequence[Any]]]:
    """The sorts of rows that a view shows and has any of: ``garbage.types`` under the name ``types``."""
    for path in type(view)._tables:
        rows = operator.attrgetter(path)(view)
        if rows:
            yield path.rpartition(".")[2], rows


def _lines(view: Sequence[Any]) -> list[str]:
    """The first rows as lines, titles first."""
    rows = view[:MAX_ROWS]
    if not rows:
        return []
    columns = _columns(rows)
    lines = [[_heading(name) for name in columns]]
    lines += [[_cut(cell(name, getattr(row, name))) for name in columns] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    right = [_is_figure(rows, name) for name in columns]
    more = [f"... {len(view) - len(rows):,} more"] if len(view) > len(rows) else []
    return [*(_line(line, widths, right) for line in lines), *more]


def _line(cells: Iterable[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (text.rjust(width) if r else text.ljust(width) for text, width, r in zip(cells, widths, right))
    return "  ".join(padded).rstrip()


def _visible(text: str) -> str:
    """Names come from the process: what would drive a terminal is escaped."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _cut(text: str) -> str:
    """In a cell; an escape stays or goes as a whole."""
    text = _visible(text)
    if len(text) <= MAX_WIDTH:
        return text
    ends = (piece.end() for piece in _PIECE.finditer(text))
    return text[: max((end for end in ends if end < MAX_WIDTH), default=0)] + "…"


# Notebooks bring their own style, light or dark: no colours here, only what a table of figures needs.
_RIGHT = ' style="text-align: right; white-space: nowrap"'
_LEFT = ' style="text-align: left"'
_WHOLE = ' style="white-space: nowrap"'


def html(view: Any) -> str:
    """A view as an HTML table of its first rows, for notebooks."""
    return _html_text(table(type(view).__name__, view).partition("\n")[0].strip("<>")) + _html_table(view)


def html_with(view: Any, inner: str) -> str:
    """The same with the rows ``inner`` of each below it."""
    parts = [_html_heading(heading) + _html_table(rows) for heading, rows in _inner(view, inner)]
    return "".join([html(view), *parts])


def html_tables(view: Any) -> str:
    """The same of a view with several sorts of rows."""
    parts = [_html_heading(_heading(name)) + _html_table(rows) for name, rows in _sorts(view)]
    return "".join([_html_figures(view), *parts])


def _html_figures(value: Any) -> str:
    """A view's figures below its name, and those of the records in it."""
    items = [(name, one) for name, one in _items(value) if not _is_header(name) and not isinstance(one, tuple)]
    plain = [f"{_heading(name)} {cell(name, one)}" for name, one in items if one is not None and not _nested(name, one)]
    records = [_html_heading(_heading(name)) + _html_figures(one) for name, one in items if _nested(name, one)]
    name = _html_heading(type(value).__name__) if hasattr(type(value), "_tables") else ""
    return name + _html_text(" · ".join(map(_visible, plain))) + "".join(records)


def _html_text(text: str) -> str:
    return f"<p>{_html.escape(text)}</p>"


def _html_heading(text: str) -> str:
    return f"<p><b>{_html.escape(text)}</b></p>"


def _html_table(view: Sequence[Any]) -> str:
    rows = view[:MAX_ROWS]
    if not rows:
        return ""
    columns = _columns(rows)
    sides = [_RIGHT if _is_figure(rows, name) else _LEFT for name in columns]
    head = "".join(f"<th{side}>{_html.escape(_heading(name))}</th>" for name, side in zip(columns, sides))
    body = "".join(f"<tr>{_html_cells(row, columns, sides)}</tr>" for row in rows)
    more = f"<p>{len(view) - len(rows):,} more</p>" if len(view) > len(rows) else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _is_figure(rows: Sequence[Any], name: str) -> bool:
    """Whether a column is one of numbers; an empty cell is neither."""
    values = [getattr(row, name) for row in rows if getattr(row, name) is not None]
    return all(isinstance(value, (int, float)) for value in values)


def _html_cells(row: Any, columns: Sequence[str], sides: Sequence[str]) -> str:
    cells = ((_html_cell(cell(name, getattr(row, name))), side) for name, side in zip(columns, sides))
    return "".join(f"<td{side}>{text}</td>" for text, side in cells)


def _html_cell(text: str) -> str:
    """A browser breaks a line behind a dash: the arrows of a path stay whole."""
    return _html.escape(_visible(text)).replace("-&gt;", f"<span{_WHOLE}>-&gt;</span>")
