"""What a benchmark measures, by options or by an interrupted run; and how far it is."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from harness.bench.rounds import LEAST_ROUNDS, Sampling, benchmark, timed_frameworks
from harness.cli import consoles
from harness.cli.options import DTYPES, UsageError
from harness.cli.resuming import Events, continued
from harness.cli.selection import check_math, chosen_cases, chosen_columns, chosen_pythons
from harness.cli.wording import in_options
from harness.convention.registry import is_framework
from harness.core.errors import InputError
from harness.doors.implementation import Implementation, name_of
from harness.execution.column import Conditions
from harness.history import revision
from harness.records.check import DIRECTIONS
from harness.records.measurement import Measurement, multiply_adds
from harness.records.record import Event, Header
from harness.records.report_file import Report
from harness.records.report_stream import interrupted
from harness.suite.case import Case
from harness.suite.fingerprint import fingerprint
from harness.suite.limitations import load_limitations
from harness.suite.specs import specs_root

# Multiply-adds a second: a guess, for the time that is left; no result depends on it.
_RATE: Final = 1e10


@dataclass(frozen=True)
class Plan:
    """What is to be measured, and what an interrupted run has measured of it."""

    cases: Sequence[Case]
    frameworks: Sequence[str | Implementation]
    sampling: Sampling
    conditions: Conditions
    chosen: Mapping[str, Any]
    output: Path | None
    before: Report | None = None

    @property
    def left(self) -> list[Case]:
        """The cases that are still to be measured."""
        done = {one.case for one in self.before.measurements} if self.before else set()
        return [case for case in self.cases if case.id not in done]

    @property
    def repeated(self) -> int:
        """How many events of an interrupted run its report begins with."""
        return 1 + len(self.before.measurements) if self.before else 0

    def guess(self, case: Case) -> float:
        """Guess the seconds that a case takes: its budget, or the least rounds of long calls."""
        step = 4 * multiply_adds(case.operator, case.batch, case.in_size) / _RATE
        rounds = LEAST_ROUNDS + 3  # Its execution, its first call and the calibration.
        return len(DIRECTIONS) * self.sampling.budget + rounds * len(self.frameworks) * step

    def events(self) -> Events:
        """Yield what was measured before, then measure the rest."""
        events = self._stamped()
        if self.before is None or self.output is None:
            return events
        return continued(events, self.before, self.output)

    def _stamped(self) -> Events:
        """Measure what is left, under a header of the whole."""
        with closing(
            benchmark(self.left, self.frameworks, self.sampling, self.conditions)
        ) as events:
            for event in events:
                if isinstance(event, Header):
                    _check_engines(event)
                yield self._of_the_whole(event) if isinstance(event, Header) else event

    def _of_the_whole(self, header: Header) -> Header:
        return replace(
            header,
            cases=len(self.cases),
            suite=fingerprint(self.cases),
            commit=revision.commit(),
            settings={**header.settings, **self.chosen},
        )


def planned(options: argparse.Namespace) -> Plan:
    """Plan what options ask for."""
    frameworks = chosen_columns(options.framework) if options.framework else timed_frameworks()
    check_math(options, frameworks)
    if options.baseline and options.baseline not in map(name_of, frameworks):
        raise UsageError(
            f"--baseline {options.baseline} is not measured: add -f {options.baseline}."
        )
    names = ("specs", "select", "dtype")
    chosen = {name: value for name in names if (value := getattr(options, name))}
    return Plan(
        _legal(chosen),
        frameworks,
        *settings_of(options, vars(options)),
        chosen,
        options.output,
    )


def resumed(options: argparse.Namespace) -> Plan:
    """Plan the rest of an interrupted run, with its own settings."""
    path = options.resume
    given = {name_of(one): one for one in chosen_columns(options.framework)}
    are_files = all(isinstance(one, Implementation) for one in given.values())
    if options.select or options.dtype or (options.framework and not are_files):
        raise UsageError(f"--resume {path} says itself what is to be measured.")
    before = Report.read(interrupted(path))
    if before.footer is not None:
        raise UsageError(f"{path}: the run came to its end; there is nothing to resume.")
    if before.records or not before.header.settings:
        raise UsageError(f"{path}: this is no benchmark's report.")
    chosen = dict(before.header.settings)
    for name in {*chosen, *_REQUIRED} & _SETTINGS.keys():
        if not _SETTINGS[name](chosen.get(name)):
            text = f"its header says {chosen.get(name)!r:.80} for {name}"
            raise UsageError(f"{path}: {text}: it cannot be resumed.")
    chosen |= {"specs": options.specs} if options.specs else {}
    try:
        cases = _legal(chosen)
    except InputError:  # What a file holds that a stranger has named is not for showing.
        if options.specs:
            raise
        raise UsageError(
            f"{path}: the suite that its header names cannot be used here; name it yourself: "
            f"deconform bench SPEC --resume {path}"
        ) from None
    frameworks = [_column_of(name, given, path) for name in before.header.frameworks]
    descriptors = {case.id: case.descriptor for case in cases}
    for one in before.measurements:
        if one.descriptor != descriptors.get(one.case):
            raise UsageError(f"{path}: its case {one.case!r} is not one of this suite.")
    counts = Counter(one.case for one in before.measurements)
    whole = len(frameworks) * len(DIRECTIONS)
    kept = tuple(one for one in before.measurements if counts[one.case] == whole)
    settings = settings_of(options, chosen)
    return Plan(cases, frameworks, *settings, {}, path, replace(before, measurements=kept))


def _column_of(
    name: str, given: Mapping[str, str | Implementation], path: Path
) -> str | Implementation:
    """Find a column of an interrupted run: an implementation's file has to be named again."""
    if name in given:
        return given[name]
    if not is_framework(name):
        raise UsageError(f"{path} measures {name!r}, an implementation: name its file with -f.")
    return name


def _check_engines(header: Header) -> None:
    """Refuse to measure nothing."""
    missing = {
        name: info.unavailable for name, info in header.frameworks.items() if info.unavailable
    }
    if len(missing) == len(header.frameworks):
        reasons = "; ".join(f"{name}: {reason}" for name, reason in missing.items())
        raise UsageError(f"nothing can be measured: {reasons}.")


def _legal(chosen: Mapping[str, Any]) -> list[Case]:
    """Load the cases that can be timed."""
    specs = chosen.get("specs") or [str(specs_root() / "bench")]
    select = chosen.get("select")
    cases = chosen_cases(specs, [select] if isinstance(select, str) else select)
    legal = [
        replace(case, dtype=chosen.get("dtype", case.dtype)) for case in cases if not case.rejected
    ]
    if not legal:
        raise UsageError("all these cases are to be rejected: there is nothing to time.")
    return legal


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 < value <= _MOST


def _is_positive(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value <= _MOST


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


# What a header may say of how a run goes on.
_MOST: Final = 10**6
_MOST_THREADS: Final = 1024
_REQUIRED: Final = ("threads", "rounds", "budget", "seconds", "device", "math")
_SETTINGS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "threads": lambda value: _is_count(value) and value <= _MOST_THREADS,
    "rounds": _is_count,
    **dict.fromkeys(("budget", "seconds", "precision"), _is_positive),
    "device": lambda value: value in ("cpu", "cuda"),
    "math": lambda value: value in ("ieee", "tf32"),
    "dtype": lambda value: value in DTYPES,
    "specs": _are_texts,
    # A report of before -k could be given several times has one text.
    "select": lambda value: isinstance(value, str) or _are_texts(value),
}


def settings_of(
    options: argparse.Namespace, chosen: Mapping[str, Any]
) -> tuple[Sampling, Conditions]:
    """Return the settings that times depend on, from options or from a report's header."""
    names = ("rounds", "budget", "seconds", "precision")
    sampling = Sampling(**{name: chosen[name] for name in names if name in chosen})
    return sampling, Conditions(
        pythons=chosen_pythons(options.python),
        timeout=options.timeout,
        limitations=load_limitations(),
        device=chosen["device"],
        math=chosen["math"],
        memory=options.memory,
        threads=chosen["threads"],
        words=in_options,
    )


def followed(events: Iterable[Event], plan: Plan) -> Iterator[Event]:
    """Pass events on and show the progress."""
    work = {case.id: plan.guess(case) for case in plan.left}
    total, done, whole = sum(work.values()), 0.0, len(plan.frameworks) * len(DIRECTIONS)
    seen: Counter[str] = Counter()
    began = time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    terminal = consoles.terminal(stderr=True)
    with Progress(*columns, console=terminal, disable=not terminal.is_terminal) as progress:
        bar = progress.add_task("measuring", total=len(plan.left), left="")
        for event in events:
            if isinstance(event, Measurement) and event.case in work:
                seen[event.case] += 1
                if seen[event.case] == whole:
                    done += work[event.case]
                    elapsed = time.monotonic() - began
                    left = _about(elapsed * (total - done) / done)
                    progress.update(bar, advance=1, left=left)
                    if not terminal.is_terminal:
                        number = sum(count == whole for count in seen.values())
                        terminal.print(f"{number}/{len(plan.left)} {event.case}; {left}")
            yield event


def _about(seconds: float) -> str:
    """Describe a duration as roughly as it is known.

    >>> _about(20), _about(100)
    ('less than a minute left', 'about 2 min left')
    """
    return "less than a minute left" if seconds < 45 else f"about {seconds / 60:.0f} min left"
