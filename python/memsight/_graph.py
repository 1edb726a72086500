"""The graph around an object: typed, frozen and as the JSON of the command has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ._views import ObjectRef, _Record, _Rows


@dataclass(frozen=True, repr=False)
class GraphNode(ObjectRef):
    """An object of the graph."""

    distance: Optional[int]
    """References to the centre: 0 is the centre, below 0 refers to it, above 0 is referred to by it; ``None`` for an
    object that only the path from a root passes."""
    on_path: bool
    """On the shortest path from a root to the centre."""
    referrers_left_out: int
    """Objects that refer to it and are not shown."""
    referents_left_out: int
    """Objects that it refers to and that are not shown."""


@dataclass(frozen=True, repr=False)
class GraphEdge(_Record):
    """References of one object to another, or what else links them."""

    source: str
    """Address of the object that refers."""
    target: str
    """Address of the object referred to."""
    label: str
    """What the (first) reference is called: ``_entries``, ``[3]``, ``'user:17'``."""
    kind: str
    """``attribute``, ``index``, ``value``, ``weak`` ...; ``dominator``: no reference, but all ways to the target lead
    through the source; ``elided``: objects of a long path, left out."""
    count: int
    """References from the source to the target, weak ones apart; objects left out."""
    dominates: bool
    """The source is the immediate dominator of the target: without it the target would be freed."""
    on_path: bool
    """On the shortest path from a root to the centre."""


@dataclass(frozen=True, repr=False)
class GraphRoot(_Record):
    """What holds an object of the graph from outside."""

    label: str
    """The root in words: ``module app.cache``."""
    kind: str
    """``module``, ``frame_local`` ..."""
    target: str
    """Address of the object that it holds."""
    on_path: bool
    """The shortest path to the centre begins here."""


@dataclass(frozen=True, repr=False)
class GraphView(_Rows[GraphNode]):
    """The objects around one; a sequence of its nodes.

    >>> import networkx
    >>> networkx.DiGraph((edge.source, edge.target) for edge in graph.edges)
    """

    _rows = "nodes"
    query: str
    """What was asked for."""
    matches: int
    """Objects that match; the graph is around the one that retains the most."""
    centre: str
    """Address of the object in the middle."""
    depth: int
    """References from the centre, in each direction."""
    nodes: tuple[GraphNode, ...]
    """The objects, those of the path from a root first."""
    edges: tuple[GraphEdge, ...]
    """References between the objects shown, and what else links them."""
    roots: tuple[GraphRoot, ...]
    """Roots that hold the centre, and the one at which its path begins."""
    _dot: str

    def to_dot(self) -> str:
        """The graph in DOT, for ``dot -Tsvg`` and whatever else reads the language of Graphviz."""
        return self._dot
