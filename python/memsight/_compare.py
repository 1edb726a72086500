"""What has grown between two looks: the results of ``compare``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ._views import ObjectRef, Source, _Record, _Tables


@dataclass(frozen=True, repr=False)
class Moment(_Record):
    """One look of a comparison."""

    pid: int
    """Process id."""
    python: str
    """Version of the target's Python."""
    created: str
    """When, RFC 3339."""
    mode: str
    """How the bytes were read."""
    partial: tuple[str, ...]
    """Reasons why something may be missing."""
    objects: int
    """Python objects."""
    heap_bytes: int
    """Shallow, external and native bytes of all objects."""
    heap_resident_bytes: int
    """Those of them in private memory, as far as the look tells."""
    rss_bytes: int
    """Resident set size."""


@dataclass(frozen=True, repr=False)
class Amount(_Record):
    """Objects and their shallow and external bytes."""

    objects: int
    """Objects."""
    bytes: int
    """Their bytes, each byte once."""


@dataclass(frozen=True, repr=False)
class Turnover(_Record):
    """What came, went and stayed."""

    new: Amount
    """Not there at the first moment."""
    gone: Amount
    """No longer there at the last one."""
    surviving: Amount
    """There at both."""


@dataclass(frozen=True, repr=False)
class Identity(_Record):
    """What it rests on that two objects are called the same."""

    basis: str
    """``address`` (one process) or ``place`` (two runs)."""
    confirmed: int
    """Survivors that their content confirms, or that never die."""
    likely: int
    """Survivors by address, type, size and holder alone."""
    replaced: int
    """Values whose predecessor stood in the same place; counted as new and gone."""
    reused: int
    """Addresses that another object has taken in between."""
    moved: int
    """Addresses at which an object of the same type is in other hands; counted as gone and as new."""
    statement: str
    """The basis and its limits in words."""


@dataclass(frozen=True, repr=False)
class Growth(_Record):
    """What became larger, over the whole heap; negative when it shrank."""

    objects: int
    """Objects more."""
    heap_bytes: int
    """Shallow, external and native bytes more."""
    heap_resident_bytes: int
    """Those of them in private memory."""
    rss_bytes: int
    """Resident bytes more."""


@dataclass(frozen=True, repr=False)
class Verdict(_Record):
    """The answer in words."""

    kind: str
    """``growing``, ``undecided``, ``slowing``, ``warmed_up`` or ``steady``."""
    summary: str
    """In one sentence."""
    notes: tuple[str, ...]
    """What limits the answer."""
    next: Optional[str]
    """The command that tells more of what has grown."""


@dataclass(frozen=True, repr=False)
class HeldGrowth(_Record):
    """Growth of one type inside a place."""

    type: str
    """``module.qualname``; built-ins bare."""
    count: int
    """Instances more."""
    bytes: int
    """Shallow and external bytes more."""


@dataclass(frozen=True, repr=False)
class GrowthSuspect(_Record):
    """A place in the program at which memory has grown."""

    summary: str
    """The suspicion in a sentence."""
    state: str
    """How it is to be read: ``growing``, ``garbage``, ``in_flight``, ``step``, ``slowing``, ``first_use``, ``in_use``,
    ``bounded``, ``stopped``, ``waiting`` or ``turnover``."""
    reason: Optional[str]
    """Why it is read so."""
    type: str
    """What it grows by."""
    count: int
    """Instances of that type more."""
    growth_bytes: int
    """Bytes more."""
    recent_bytes: Optional[int]
    """Of them in the last interval, where there are more than two looks."""
    path: tuple[str, ...]
    """From a root to the holder, in words."""
    holder: Optional[ObjectRef]
    """The object that has grown, when one holds at least half of the growth."""
    holders: int
    """Objects that share in the growth at this path."""
    new: Amount
    """What is new."""
    gone: Amount
    """What is gone."""
    resized_bytes: int
    """Bytes that surviving objects have gained themselves."""
    holds: tuple[HeldGrowth, ...]
    """What it grows by, by type."""


@dataclass(frozen=True, repr=False)
class TypeGrowth(_Record):
    """Growth of one type."""

    type: str
    """``module.qualname``; built-ins bare."""
    count_then: int
    """Instances at first."""
    count_now: int
    """Instances at last."""
    new: int
    """Instances that are new."""
    gone: int
    """Instances that are gone."""
    bytes_then: int
    """Shallow and external bytes at first."""
    bytes_now: int
    """Shallow and external bytes at last."""
    growth_bytes: int
    """Bytes more."""
    retained_then_bytes: int
    """Retained bytes at first."""
    retained_now_bytes: int
    """Retained bytes at last."""


@dataclass(frozen=True, repr=False)
class PathGrowth(_Record):
    """Growth at one merged path."""

    path: tuple[str, ...]
    """From a root, in words."""
    state: str
    """How it is to be read."""
    new: Amount
    """What is new below it."""
    gone: Amount
    """What is gone."""
    growth_bytes: int
    """Bytes more."""


@dataclass(frozen=True, repr=False)
class ContainerGrowth(ObjectRef):
    """A container that has grown."""

    length_then: int
    """Items at first."""
    length_now: int
    """Items at last."""
    retained_then_bytes: int
    """Retained bytes at first."""
    growth_bytes: int
    """Bytes that its items brought, and what it gained itself."""


@dataclass(frozen=True, repr=False)
class CodeGrowth(Source):
    """Functions, coroutines, tasks and the like of one code, of which there are more than before."""

    type: str
    """Their type."""
    count_then: int
    """How many at first."""
    count_now: int
    """How many at last."""
    retained_then_bytes: int
    """What all of them retained at first."""
    retained_now_bytes: int
    """What all of them retain at last."""


@dataclass(frozen=True, repr=False)
class PartGrowth(_Record):
    """Growth of a part of a line."""

    name: str
    """Its name: a type, a file, a kind of blocks."""
    growth_bytes: int
    """Bytes more."""


@dataclass(frozen=True, repr=False)
class MemoryGrowth(_Record):
    """Growth of one line of the account of RSS."""

    kind: str
    """Which line: the ``kind`` of the view ``rss``."""
    name: str
    """Its name."""
    bytes_then: int
    """Resident bytes at first."""
    bytes_now: int
    """Resident bytes at last."""
    growth_bytes: int
    """Bytes more."""
    recent_bytes: Optional[int]
    """Of them in the last interval, where there are more than two looks."""
    count_then: int
    """Objects, blocks or mappings at first."""
    count_now: int
    """Objects, blocks or mappings at last."""
    state: Optional[str]
    """How it is to be read, as a suspect's, or ``free``; ``None`` where it has not grown by the threshold, and
    for objects."""
    reason: Optional[str]
    """Why it is read so."""
    parts: tuple[PartGrowth, ...]
    """What of it has grown most."""


@dataclass(frozen=True, repr=False)
class Pending(_Record):
    """What waits for the garbage collector."""

    then: Amount
    """What a full collection would have freed at first."""
    now: Amount
    """What it would free at last."""
    full_collections: Optional[int]
    """Full collections in between."""
    automatic: Optional[bool]
    """Whether collections come by themselves."""


@dataclass(frozen=True, repr=False)
class CompareView(_Tables, _Record):
    """What has grown between the first look and the last, where, and whether it will end."""

    _tables = ("memory", "suspects", "types")
    schema_version: int
    """Version of these keys."""
    moments: tuple[Moment, ...]
    """The looks, earliest first."""
    swapped: bool
    """They were given in another order."""
    interval_ns: Optional[int]
    """From the first to the last look."""
    verdict: Verdict
    """The answer in words."""
    growth: Growth
    """The whole heap."""
    memory: tuple[MemoryGrowth, ...]
    """The account of RSS, line by line; empty where a look does not say what was in memory."""
    memory_threshold_bytes: int
    """Bytes from which growth of a line outside of objects matters."""
    pending: Optional[Pending]
    """What waits for the garbage collector."""
    turnover: Turnover
    """What came, went and stayed."""
    identity: Identity
    """By what objects are told to be the same."""
    threshold_bytes: int
    """Bytes from which growth at a place is a suspect."""
    suspects: tuple[GrowthSuspect, ...]
    """Where memory has grown, worst first; none is an answer, too."""
    types: tuple[TypeGrowth, ...]
    """Types by growth."""
    type_count: int
    """Types that have changed."""
    code: tuple[CodeGrowth, ...]
    """What runs, by its code, where there are ten or more of one more than before."""
    code_count: int
    """Codes of which there are so many more."""
    paths: tuple[PathGrowth, ...]
    """Merged paths by growth."""
    path_count: int
    """Paths at which something changed."""
    containers: tuple[ContainerGrowth, ...]
    """Containers that have grown by the threshold or more, by growth."""
    container_count: int
    """All that have grown by so much."""
