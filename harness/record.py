"""Records: one verdict with its case, framework, check and evidence.

A run is a stream of events: a header, records, a footer.  Reports are made of nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import UnionType
from typing import Any, Final, TypeAlias, get_args, get_origin, get_type_hints

from harness.compare import Status

SCHEMA: Final = 1
BAD_STATUSES: Final = frozenset(
    {
        Status.FAILED,
        Status.ERRORED,
        Status.CRASHED,
        Status.TIMEDOUT,
        Status.MISTRUSTED,
        Status.FIXED,
    }
)


@dataclass(frozen=True)
class Header:
    """What ran: for each framework its version and engine, or why it could not be started."""

    deconform: str
    started: str
    frameworks: Mapping[str, Mapping[str, str]]
    cases: int
    schema: int = SCHEMA


@dataclass(frozen=True)
class Record:
    """One verdict."""

    case: str
    suite: str
    descriptor: str
    framework: str
    check: str
    support: str
    status: Status
    reason: str | None = None
    diagnosis: str | None = None
    limitation: str | None = None
    evidence: Mapping[str, Any] | None = None
    file: str = ""
    line: int = 0
    reproduce: str = ""


@dataclass(frozen=True)
class Footer:
    """How it ended: counts by status, and the seconds it took."""

    counts: Mapping[str, int] = field(default_factory=dict)
    elapsed_s: float = 0.0


Event: TypeAlias = Header | Record | Footer
_KINDS: Final[dict[str, type[Header | Record | Footer]]] = {
    "header": Header,
    "record": Record,
    "footer": Footer,
}
_TYPES: Final = {kind: get_type_hints(kind) for kind in _KINDS.values()}


def to_json(event: Event) -> dict[str, Any]:
    """The object that a line of a report holds; fields without a value are left out of records."""
    found = {"kind": type(event).__name__.lower(), **asdict(event)}
    if isinstance(event, Record):
        optional = ("diagnosis", "limitation", "evidence", "file", "line")
        return {k: v for k, v in found.items() if v or k not in optional}
    return found


def from_json(line: Mapping[str, Any]) -> Event:
    """Read an event back; raise ``ValueError`` or ``TypeError`` where it is none."""
    fields = dict(line)
    kind = _KINDS[fields.pop("kind")]
    if kind is Record:
        fields["status"] = Status(fields["status"])
    event = kind(**fields)
    for name, value in fields.items():
        if not _is_of(_TYPES[kind][name], value):
            raise TypeError(f"{name} cannot be {value!r:.60}")
    return event


def _is_of(expected: Any, value: Any) -> bool:
    """Whether a value that was read from JSON is of a field's type."""
    if expected is Any:
        return True
    if get_origin(expected) is UnionType:
        return any(_is_of(one, value) for one in get_args(expected))
    if get_origin(expected) is Mapping:
        _, inner = get_args(expected)
        return isinstance(value, Mapping) and all(_is_of(inner, each) for each in value.values())
    if expected is float:
        expected = (int, float)
    return isinstance(value, expected) and not isinstance(value, bool)
