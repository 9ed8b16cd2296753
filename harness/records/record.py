"""The events of a run, which make a report: a header, records or measurements, a footer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import UnionType
from typing import Any, Final, NoReturn, TypeAlias, get_args, get_origin, get_type_hints

from harness.core.column_info import ColumnInfo
from harness.records.measurement import Measurement
from harness.records.status import Status

SCHEMA: Final = 1


@dataclass(frozen=True)
class Header:
    """What ran: each column's engine, or why there is none.

    ``machine``, ``settings`` and ``ceilings`` are empty for a conformance run.
    """

    deconform: str
    started: str
    frameworks: Mapping[str, ColumnInfo]
    cases: int
    schema: int = SCHEMA
    commit: str = ""  # The commit of this project that was checked out
    # ``cpu``, ``cores``, ``memory``, ``os``, ..., and ``fingerprint``: times of two reports can be
    # compared where it is the same.
    machine: Mapping[str, str] = field(default_factory=dict)
    suite: str = ""  # The fingerprint of the cases and of what is known to go wrong
    # How it was measured: ``threads``, ``rounds``, ...
    settings: Mapping[str, Any] = field(default_factory=dict)
    # Peak rates, measured in the same run: ``gemm_flops:float32`` in operations a second,
    # ``copy_bytes`` in bytes a second.
    ceilings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What is known of one check; never true or false."""

    status: Status
    reason: str | None = None
    diagnosis: str | None = None  # The mutants that a wrong output equals
    evidence: Mapping[str, Any] | None = None  # Figures
    limitation: str | None = None  # The known limitation that announced it
    unclaimed: str | None = None  # What an implementation does not promise, and this would take

    def __bool__(self) -> NoReturn:
        raise TypeError("a Verdict is not true or false: look at its status.")


@dataclass(frozen=True)
class Record:
    """One verdict, with its case, framework, check and evidence."""

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
    unclaimed: str | None = None
    evidence: Mapping[str, Any] | None = None
    file: str = ""
    line: int = 0
    reproduce: str = ""


@dataclass(frozen=True)
class Footer:
    """The end of a run: counts by status, and the seconds it took."""

    counts: Mapping[str, int] = field(default_factory=dict)
    elapsed_s: float = 0.0


Event: TypeAlias = Header | Record | Measurement | Footer
_KINDS: Final[dict[str, type[Event]]] = {
    kind.__name__.lower(): kind for kind in (Header, Record, Measurement, Footer)
}
_LARGEST: Final = 2**63 - 1  # What a database can hold
_TYPES: Final = {kind: get_type_hints(kind) for kind in _KINDS.values()}
# Left out of a line where they are empty.
_OPTIONAL: Final[Mapping[type[Event], frozenset[str]]] = {
    Header: frozenset({"commit", "suite", "machine", "settings", "ceilings"}),
    Record: frozenset({"diagnosis", "limitation", "unclaimed", "evidence", "file", "line"}),
    Measurement: frozenset(
        {"reason", "calls", "samples", "first_s", "to_native_s", "from_native_s", "file", "line"}
    ),
}


def to_json(event: Event) -> dict[str, Any]:
    """Return the object of a report's line, without optional fields that are empty."""
    optional = _OPTIONAL.get(type(event), frozenset())
    fields = {k: v for k, v in asdict(event).items() if v or k not in optional}
    if isinstance(event, Header):
        fields["frameworks"] = {name: info.to_json() for name, info in event.frameworks.items()}
    return {"kind": type(event).__name__.lower(), **fields}


def from_json(line: Mapping[str, Any]) -> Event:
    """Read an event; raise ``ValueError`` or ``TypeError`` if it is none."""
    fields = dict(line)
    kind = _KINDS[fields.pop("kind")]
    if kind is Header and _is_of(Mapping[str, Mapping[str, str]], fields.get("frameworks")):
        columns = fields["frameworks"].items()
        fields["frameworks"] = {name: ColumnInfo.from_json(values) for name, values in columns}
    if kind is Record:
        fields["status"] = Status(fields["status"])
    if kind is Measurement and isinstance(fields.get("samples"), list):
        fields["samples"] = tuple(fields["samples"])
    event = kind(**fields)
    for name, value in fields.items():
        if not _is_of(_TYPES[kind][name], value):
            raise TypeError(f"{name} cannot be {value!r:.60}")
    return event


def _is_of(expected: Any, value: Any) -> bool:
    """Whether a value that was read from JSON is of a field's type."""
    if expected is Any:
        return True
    if isinstance(expected, type):  # most are: this comes first as reports are long
        wanted = (int, float) if expected is float else expected
        fits = expected is not int or not isinstance(value, int) or abs(value) <= _LARGEST
        return fits and isinstance(value, wanted) and not isinstance(value, bool)
    if get_origin(expected) is UnionType:
        return any(_is_of(one, value) for one in get_args(expected))
    if get_origin(expected) is Mapping:
        _, inner = get_args(expected)
        return isinstance(value, Mapping) and all(_is_of(inner, each) for each in value.values())
    inner, _ = get_args(expected)
    return isinstance(value, tuple) and all(_is_of(inner, each) for each in value)
