"""Which changes of a program's source need less memory: ``advise`` and its results."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Optional, Union

from . import _build
from ._platform import native
from ._views import _Record, _Tables

Paths = Union[str, "os.PathLike[str]", Iterable[Union[str, "os.PathLike[str]"]]]


@dataclass(frozen=True, repr=False)
class AdviceBytes(_Record):
    """Bytes that a change saves, measured; ``None`` where that is not known."""

    now: Optional[int]
    """Of what is live now."""
    peak: Optional[int]
    """Of the highest point."""
    churn: Optional[int]
    """Of what is allocated in all."""
    error_bytes: int
    """With 95% the saving at the peak is at most so far from ``peak``; 0: exact. A sample was recorded."""


@dataclass(frozen=True, repr=False)
class AdviceEdit(_Record):
    """A stretch of a file, and what comes in its place."""

    cell: Optional[int]
    """Of a notebook the cell, from 1 on, all cells counted."""
    line: int
    """Line of its beginning, from 1 on."""
    column: int
    """Column of its beginning, in characters, from 1 on."""
    end_line: int
    """Line of its end."""
    end_column: int
    """Column behind its last character."""
    text: str
    """What comes in its place."""


@dataclass(frozen=True, repr=False)
class AdviceFix(_Record):
    """A change that a machine can make."""

    safety: str
    """``safe``: the program does the same. ``unsafe``: unless something that cannot be seen stands against it."""
    edits: tuple[AdviceEdit, ...]
    """All of them or none."""


@dataclass(frozen=True, repr=False)
class AdviceRow(_Record):
    """One place where memory can be saved."""

    rule: str
    """Such as ``MS105``."""
    name: str
    """Such as ``whole-lines``."""
    technique: str
    """``generators``, ``fewer-objects``, ``compact-structures`` or ``free-explicitly``; ``upkeep`` of none of them."""
    file: str
    """The file as it was named."""
    cell: Optional[int]
    """Of a notebook the cell, from 1 on, all cells counted."""
    line: int
    """Line, from 1 on; of a notebook the line in its cell."""
    column: int
    """Column in characters, from 1 on."""
    end_line: int
    """Line of its end."""
    end_column: int
    """Column behind its last character."""
    message: str
    """What it is."""
    advice: str
    """What to do."""
    but: str
    """What to know before it is done; empty where there is nothing."""
    severity: str
    """``note``, ``warning`` or ``error``."""
    confidence: str
    """``low``, ``medium`` or ``high``."""
    bytes: Optional[AdviceBytes]
    """What it would save, measured; ``None`` without evidence."""
    saves: str
    """Which figure it would save: ``peak``, ``now`` or ``churn``."""
    formula: str
    """What it would save, where the source alone was read: ``8 B an item``."""
    evidence: tuple[str, ...]
    """What was measured."""
    fix: Optional[AdviceFix]
    """The change, where a machine can make it."""
    function: str
    """The innermost function or class around it; empty for the module."""
    fingerprint: str
    """What it is known again by when its line has moved."""


@dataclass(frozen=True, repr=False)
class AdviceFault(_Record):
    """A file, or a place in one, that could not be understood."""

    file: str
    """The file."""
    line: Optional[int]
    """Line; ``None`` where the whole file could not be read."""
    column: Optional[int]
    """Column."""
    cell: Optional[int]
    """Of a notebook the cell."""
    message: str
    """Why."""


@dataclass(frozen=True, repr=False)
class AdviceSummary(_Record):
    """Counts of a run."""

    files: int
    """Files that were read."""
    lines: int
    """Their lines."""
    findings: int
    """Findings."""
    fixable: int
    """Of these, such with a safe fix."""
    unsafely_fixable: int
    """Of these, such with an unsafe fix."""
    ignored: int
    """Findings that comments keep back."""
    fixed: int
    """Findings that were fixed."""
    in_baseline: int
    """Findings that are in the baseline."""
    left_to_ruff: int
    """Findings that are left to ruff."""
    wanting: int
    """Rules that were not looked for, since only a heap or a trace can tell whether they are right."""


@dataclass(frozen=True, repr=False)
class AdviceView(_Tables, _Record):
    """What was found in a code base."""

    _tables = ("findings", "faults")
    schema_version: int
    """Version of these keys."""
    findings: tuple[AdviceRow, ...]
    """Those with the most bytes first; without evidence in the order of files and lines."""
    faults: tuple[AdviceFault, ...]
    """What could not be understood."""
    summary: AdviceSummary
    """Counts."""


def advise(
    paths: Paths = ".",
    *,
    select: Iterable[str] = (),
    extend_select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    all: bool = False,
    target_version: Optional[str] = None,
    fix: Optional[str] = None,
    config: Union[str, os.PathLike[str], None] = None,
    isolated: bool = False,
    baseline: Union[str, os.PathLike[str], None] = None,
) -> AdviceView:
    """Which changes of a program's source need less memory. Nothing is run or imported.

    Settings are read as the command reads them: ``[tool.memsight]`` of the nearest ``pyproject.toml``, or ``memsight.toml``.

    Args:
        paths: a file or folder, or several.
        select: rules to look for, by id, name or the beginning of an id; none: those of the settings, or the default.
        extend_select: rules to look for besides.
        ignore: rules to leave out.
        all: all rules, also those that are often wrong without a heap or a trace.
        target_version: the oldest Python that the program runs on, ``"3.9"``.
        fix: ``"safe"`` or ``"unsafe"``: changes files, each at once and only if it is as it was read. ``None`` changes nothing.
        config: the file of settings for all files.
        isolated: read no settings.
        baseline: a file of findings that are known and not told.

    Raises:
        TypeError: an argument is of another type.
        ValueError: an argument has a value that is not known, or two exclude each other.
        Error: a path is not there, a rule is not known, or settings or baseline are not in order; the message says why.
    """
    if fix not in (None, "safe", "unsafe"):
        raise ValueError(f'fix is "safe", "unsafe" or None, not {fix!r}')
    if config is not None and isolated:
        raise ValueError("config is a file of settings, and isolated reads none")
    selected = _words(select, "select")
    if all and selected:
        raise ValueError("all is all rules, and select is some")
    found = native().advise(
        _paths(paths),
        selected,
        _words(extend_select, "extend_select"),
        _words(ignore, "ignore"),
        all,
        target_version,
        fix,
        None if config is None else os.fspath(config),
        isolated,
        None if baseline is None else os.fspath(baseline),
    )
    return _build.view(AdviceView, found)


def _paths(paths: Paths) -> list[str]:
    if isinstance(paths, (str, os.PathLike)):
        return [os.fspath(paths)]
    return [os.fspath(path) for path in paths]


def _words(words: Iterable[str], name: str) -> list[str]:
    """A text is an iterable of letters, and never meant so."""
    if isinstance(words, str):
        return [words]
    found = list(words)
    for word in found:
        if not isinstance(word, str):
            raise TypeError(f"{name} is a list of rules, not of {type(word).__name__}")
    return found
