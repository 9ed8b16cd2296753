"""The report file: one JSON object a line; a header, records or measurements, a footer."""

from __future__ import annotations

import gzip
import itertools
import json
import sys
import zlib
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from harness.core.bounded import MIB, size_of
from harness.core.errors import InputError
from harness.records.check import DIRECTIONS
from harness.records.measurement import MEASURED, Measurement
from harness.records.record import SCHEMA, Event, Footer, Header, Record, from_json, to_json
from harness.records.status import Status

_LONGEST: Final = 4 * MIB
_MOST: Final = 128 * MIB
_GZIP: Final = b"\x1f\x8b"
_ENGINE_KEYS: Final = ("version", "engine", "device")


class ReportError(InputError):
    """A report file cannot be read."""


@dataclass(frozen=True)
class Report:
    """A run: its header, its records, and its footer if it finished.

    >>> from harness.core.column_info import ColumnInfo
    >>> info = ColumnInfo(version="2.13.0", engine="python", python="3.11", device="cpu")
    >>> header = Header("0.1.0", "2026-01-02T03:04:05+00:00", {"pytorch": info}, cases=0)
    >>> report = Report.of([header, Footer({}, 1.0)])
    >>> report.frameworks, report.ok
    (('pytorch',), False)
    """

    header: Header
    records: tuple[Record, ...]
    footer: Footer | None
    incomplete: str = ""  # ``file:line`` of an incomplete last line, which is left out
    measurements: tuple[Measurement, ...] = ()  # Those of a benchmark, which has no records

    @classmethod
    def read(cls, path: str | Path) -> Report:
        """Read a report file, plain or gzipped.

        A report without a footer is an interrupted run; ``footer`` is then ``None``.  The last
        line of a run that was killed may be incomplete; ``incomplete`` then says where.

        Raises
        ------
        ReportError
            If it is no report; the message has file and line.  A line has at most 4 MiB, and all
            of them 128 MiB, unpacked.
        """
        lines = _Lines(Path(path))
        report = cls.of(_events(lines, lines.file))
        if report.footer and lines.incomplete:
            raise ReportError(f"{lines.incomplete}: the report goes on after its footer.")
        return replace(report, incomplete=lines.incomplete)

    @classmethod
    def of(cls, events: Iterable[Event]) -> Report:
        """Collect a stream of events."""
        kinds: dict[type[Event], list[Any]] = {Header: [], Record: [], Measurement: [], Footer: []}
        for event in events:
            kinds[type(event)].append(event)
        headers, records, measurements, footers = map(tuple, kinds.values())
        if not headers:
            raise ReportError("the report has no header.")
        return cls(headers[-1], records, footers[-1] if footers else None, "", measurements)

    @property
    def ok(self) -> bool:
        """Whether the run finished, something ran, and nothing in it is bad."""
        bad = any(one.is_bad for one in self.measurements) or any(self.bad)
        ran = self.ran or any(one.status == MEASURED for one in self.measurements)
        return self.footer is not None and bool(ran) and not bad

    @property
    def ran(self) -> int:
        """The number of checks for which a framework was asked."""
        counts = sum(self.counts.values(), Counter())
        return counts.total() - counts[Status.SKIPPED] - counts[Status.UNSUPPORTED]

    @property
    def bad(self) -> Iterator[Record]:
        """The records that make a run fail."""
        return (record for record in self.records if record.status.is_bad)

    @property
    def frameworks(self) -> tuple[str, ...]:
        """The columns."""
        return tuple(self.header.frameworks)

    @property
    def skipped(self) -> Mapping[str, str]:
        """The columns in which nothing was run, each with the reason."""
        return {
            name: info.unavailable
            for name, info in self.header.frameworks.items()
            if info.unavailable and set(self.counts[name]) <= {Status.SKIPPED}
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns in which something was run."""
        return tuple(name for name in self.frameworks if name not in self.skipped)

    @property
    def checks(self) -> int:
        """The number of records in these columns."""
        return sum(self.counts[name].total() for name in self.columns)

    @cached_property
    def matrix(self) -> Mapping[str, Mapping[str, Counter[Status]]]:
        """Counts by suite, framework and status."""
        rows: dict[str, dict[str, Counter[Status]]] = {}
        for record in self.records:
            row = rows.setdefault(record.suite, {name: Counter() for name in self.frameworks})
            row[record.framework][record.status] += 1
        return dict(sorted(rows.items()))

    @cached_property
    def counts(self) -> Mapping[str, Counter[Status]]:
        """Counts by framework and status."""
        rows = self.matrix.values()
        return {name: sum((row[name] for row in rows), Counter()) for name in self.frameworks}


def as_line(event: Event) -> str:
    """Return an event's line of a report."""
    return json.dumps(to_json(event), separators=(",", ":"), default=list) + "\n"


@dataclass
class _Lines:
    """The lines of a file, without a last one that a run was killed while it wrote."""

    file: Path
    incomplete: str = ""  # Where that one is

    def __iter__(self) -> Iterator[str]:
        try:
            yield from self._read()
        except (OSError, UnicodeDecodeError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            raise ReportError(f"{self.file}: cannot be read: {reason}.") from None

    def _read(self) -> Iterator[str]:
        size_of(self.file, _MOST)
        with self.file.open("rb") as file:
            # By its contents: `run` writes plain lines whatever the file is called.
            stream = gzip.GzipFile(fileobj=file) if file.peek(2)[:2] == _GZIP else file
            left = _MOST
            for number in itertools.count(1):
                where, line = f"{self.file}:{number}", stream.readline(_LONGEST + 1)
                left -= len(line)
                if len(line) > _LONGEST or left < 0:
                    what, most = ("line", _LONGEST) if left >= 0 else ("report", _MOST)
                    raise ReportError(f"{where}: the {what} is longer than {most // MIB} MiB.")
                if not line:
                    return
                if number > 1 and not line.endswith(b"\n") and not _is_json(line):
                    self.incomplete = where
                    return
                yield line.decode("utf-8")


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _events(lines: Iterable[str], file: Path) -> Iterator[Event]:
    """Read lines, checking that they make one report."""
    seen: set[tuple[str, str, str]] = set()
    frameworks: Container[str] = ()
    event: Event | None = None
    for number, line in enumerate(lines, 1):
        where = f"{file}:{number}"
        previous, event = event, _event(line, where)
        if isinstance(previous, Footer):
            raise ReportError(f"{where}: the report goes on after its footer.")
        if isinstance(event, Header) != (number == 1):
            raise ReportError(f"{where}: the header must be the first line and no other.")
        if isinstance(event, Header):
            _check_header(event, where)
            frameworks = event.frameworks
        if isinstance(event, Record | Measurement):
            if event.framework not in frameworks:
                raise ReportError(f"{where}: the header has no framework {event.framework!r}.")
            what = event.check if isinstance(event, Record) else event.direction
            key = event.case, event.framework, what
            if key in seen:
                kind = type(event).__name__.lower()
                raise ReportError(f"{where}: a second {kind} of {' / '.join(key)}.")
            seen.add(key)
        if isinstance(event, Measurement):
            _check_measurement(event, where)
        if isinstance(event, Footer) and not 0 <= event.elapsed_s <= sys.float_info.max:
            raise ReportError(f"{where}: elapsed_s is {event.elapsed_s!r:.60}.")
        yield event
    if event is None:
        raise ReportError(f"{file}: the report is empty.")


def _event(line: str, where: str) -> Event:
    try:
        return from_json(json.loads(line))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ReportError(f"{where}: not a line of a report: {error}") from None
    except RecursionError:
        raise ReportError(f"{where}: not a line of a report: nested too deeply") from None


def _check_header(header: Header, where: str) -> None:
    if header.schema != SCHEMA:
        raise ReportError(f"{where}: schema {header.schema} is not {SCHEMA}; update deconform.")
    for name, info in header.frameworks.items():
        missing = [key for key in _ENGINE_KEYS if not getattr(info, key)]
        if missing and not info.unavailable:
            raise ReportError(f"{where}: the header's framework {name!r} has no {missing[0]!r}.")
    if bad := [name for name, value in header.ceilings.items() if not _is_positive(value)]:
        raise ReportError(f"{where}: the ceiling {bad[0]!r} is not a positive number.")


def _check_measurement(event: Measurement, where: str) -> None:
    """Check what everything that reckons with a measurement relies on."""
    if event.direction not in DIRECTIONS:
        raise ReportError(f"{where}: direction {event.direction!r} is none of {DIRECTIONS}.")
    if event.status != MEASURED and event.status not in Status.__members__:
        raise ReportError(f"{where}: there is no status {event.status!r}.")
    if (event.status == MEASURED) != bool(event.samples):
        raise ReportError(f"{where}: {event.status} with {len(event.samples)} samples.")
    if bad := [sample for sample in event.samples if not _is_positive(sample)]:
        raise ReportError(f"{where}: a sample of {bad[0]} s; each must be a positive number.")
    if event.samples and min(event.batch, event.multiply_adds, event.nbytes, event.calls) < 0:
        raise ReportError(f"{where}: batch, multiply_adds, nbytes and calls cannot be negative.")
    spent = (event.first_s, event.to_native_s, event.from_native_s, event.cpus)
    if not all(0 <= seconds <= sys.float_info.max for seconds in spent):
        raise ReportError(f"{where}: seconds of {spent!r:.99}; none may be negative or infinite.")


def _is_positive(value: float) -> bool:
    return 0 < value <= sys.float_info.max
