"""The history on a terminal: the trend of times, and since when a case fails."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from harness.history.steps import FEWEST, SavedRun, Series, short
from harness.history.streaks import CaseHistory, Streak
from harness.report.quantities import seconds as in_seconds

# As many series can be read run by run.
_MOST_IN_FULL: Final = 12
_BARS: Final = "▁▂▃▄▅▆▇█"


def print_history(
    times: Sequence[Series], histories: Sequence[CaseHistory], console: Console, *, has_choice: bool
) -> None:
    """Print how cases went from run to run; cases that were chosen are shown in full."""
    in_full = has_choice and len(times) <= _MOST_IN_FULL
    for line in (*_times(times, in_full=in_full), *_case_histories(histories, every=has_choice)):
        console.print(line, soft_wrap=True)


def _times(times: Sequence[Series], *, in_full: bool) -> Iterator[Text]:
    """A section for each machine and its settings: only within one can times be compared."""
    by_machine = groupby(times, lambda one: (one.fingerprint, one.machine, one.settings))
    for (fingerprint, machine, settings), group in by_machine:
        about = (f" ({machine})" if machine else "") + (f", {settings}" if settings else "")
        yield Text(f"machine {fingerprint or 'unknown'}{about}", "bold")
        for series in group:
            yield from _in_full(series) if in_full else _in_short(series)
        yield Text()


def _title(series: Series) -> str:
    device = f" on {series.device}" if series.device not in {"", "cpu"} else ""
    return f"{series.case}  {series.framework}{device}  {series.direction}"


def _in_short(series: Series) -> Iterator[Text]:
    if not series.measured:
        yield Text(f"  {_title(series)}  {series.timings[-1].status}", "yellow")
        return
    seconds = [one for _, one in series.measured]
    text = f"{in_seconds(seconds[-1])}, {ratio_to_first(seconds):.2f} of the first"
    runs = f"{len(seconds)} run{'s' * (len(seconds) != 1)}"
    yield Text(f"  {_title(series)}  {sparkline(seconds)}  {text}, {runs}")
    yield from _steps(series)


def _in_full(series: Series) -> Iterator[Text]:
    """Each run on a line; those that a step may have come with are marked."""
    yield Text(f"  {_title(series)}  {series.descriptor}", "bold")
    stepped = {number for s in series.steps for number in range(s.before + 1, s.after + 1)}
    number = 0
    for timing in series.timings:
        run = timing.run
        line = f"    {_day(run.date)}  {short(run.commit) or '-':<16}  {run.version:<10}  "
        if timing.seconds is None:
            yield Text(line + timing.status, "yellow")
            continue
        ratio = timing.seconds / series.measured[0][1]
        mark = "  <- step" if number in stepped else ""
        yield Text(f"{line}{in_seconds(timing.seconds):>9}  {ratio:.3f}{mark}")
        number += 1
    if series.measured:
        yield Text(f"    {sparkline([seconds for _, seconds in series.measured])}")
        yield from _steps(series)
    if 1 < number < FEWEST:
        yield Text(f"    {number} runs; steps are looked for from {FEWEST} on", "dim")


def _steps(series: Series) -> Iterator[Text]:
    for step in series.steps:
        yield Text(f"    {series.describe(step)}", "red" if step.ratio > 1 else "green")


def _case_histories(histories: Sequence[CaseHistory], *, every: bool) -> Iterator[Text]:
    """Since when each case is what it is; without a choice of cases, only those that changed."""
    shown = [history for history in histories if every or len(history.streaks) > 1]
    if histories:
        yield Text("conformance", "bold")
    for history in shown:
        where = f" ({history.where})" if history.where not in {"", "cpu"} else ""
        yield Text(f"  {history.case}  {history.framework}{where}")
        for streak in reversed(history.streaks):
            yield Text(f"    {_streak(streak)}", streak.status.colour)
    if same := len(histories) - len(shown):
        yield Text(f"  {same} of {len(histories)} cases and frameworks were always the same", "dim")


def _streak(streak: Streak) -> str:
    text = f"{streak.status} since {_when(streak.first)}"
    if streak.runs > 1:
        text += f", last {_when(streak.last)}, {streak.runs} runs"
    checks = f": {', '.join(streak.checks)}" if streak.checks else ""
    reason = f": {' '.join(streak.reason.split())}" if streak.reason else ""
    return f"{text}{checks}{reason:.200}"


def _when(run: SavedRun) -> str:
    about = [f"commit {short(run.commit)}" if run.commit else "", run.version]
    return f"{_day(run.date)} ({', '.join(word for word in about if word)})"


def _day(date: datetime) -> str:
    return f"{date:%Y-%m-%d %H:%M}"


def to_json(times: Sequence[Series], histories: Sequence[CaseHistory]) -> dict[str, Any]:
    """Return the object that a history is as JSON."""
    conformance = [asdict(history, dict_factory=_with_dates_as_text) for history in histories]
    for fields in conformance:
        fields["stretches"] = fields.pop("streaks")
    return {"times": [_series(series) for series in times], "conformance": conformance}


def _series(series: Series) -> dict[str, Any]:
    runs = [run for run, _ in series.measured]
    steps = [
        {
            "after_commit": runs[step.before].commit,
            "until_commit": runs[step.after].commit,
            "after_date": runs[step.before].date.isoformat(),
            "until_date": runs[step.after].date.isoformat(),
            "old_s": step.old,
            "new_s": step.new,
            "ratio": step.ratio,
            "text": series.describe(step),
        }
        for step in series.steps
    ]
    return {**asdict(series, dict_factory=_with_dates_as_text), "steps": steps}


def _with_dates_as_text(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in pairs
    }


def sparkline(values: Sequence[float]) -> str:
    """Draw a series on one line, from its least to its greatest value.

    >>> sparkline([1.0, 2.0, 3.0])
    '▁▅█'
    """
    low, high = min(values), max(values)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BARS[math.floor((value - low) * scale + 0.5)] for value in values)


def ratio_to_first(seconds: Sequence[float]) -> float:
    """The newest time by the oldest, each the median of up to three runs."""
    return statistics.median(seconds[-3:]) / statistics.median(seconds[:3])
