"""Findings: what to look at, why, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ._views import _Record


@dataclass(frozen=True, repr=False)
class Finding(_Record):
    """Something to look at."""

    rule: str
    """Stable name of the rule, in the reference of findings."""
    severity: str
    """``note``, ``warning`` or ``error``."""
    confidence: str
    """``low``: by experience. ``medium``: follows from an estimate. ``high``: follows from what was counted."""
    message: str
    """What it is, in one sentence."""
    place: str
    """Where: a type, a path, a generation."""
    bytes: Optional[int]
    """What is at stake, where that can be said."""
    advice: str
    """What to do."""
    evidence: tuple[str, ...]
    """The figures behind it."""
