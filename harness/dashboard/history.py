"""The page of the history: times over saved runs, lasting changes, verdicts that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.dashboard.frame import Site, title
from harness.history.steps import FEWEST, SavedRun, Series, Step, short
from harness.history.streaks import CaseHistory, Streak
from harness.report import quantities

if TYPE_CHECKING:
    from harness.history.store import Store


def write_history(site: Site, store: Store, addresses: Mapping[str, str]) -> None:
    """Write what the store holds; ``addresses`` are the pages of cases that have one."""
    from harness.history.store import Selection  # noqa: PLC0415 -- an extra

    times = [series for series in store.times(Selection()) if series.measured]
    histories = store.case_histories(Selection())
    changed = [history for history in histories if len(history.streaks) > 1]
    machines = _machines(times)
    scripts: tuple[str, ...] = ("history.js",)
    if times:
        address = site.data("history", _figures(times, machines))
        scripts = (address, "charts.js", "history.js")
    site.page(
        "history.html",
        scripts=scripts,
        plotly_style=site.plotly_style,
        summary="Times and statuses from one saved run to the next.",
        series=bool(times),
        cases=list(dict.fromkeys(series.case for series in times)),
        machines=[(number, text) for text, number in machines.items()],
        steps=[_step(one, step, machines) for one in times for step in one.steps],
        fewest=FEWEST,
        histories=[_case_history(history, addresses) for history in changed] if histories else None,
        same=len(histories) - len(changed),
    )


def _machines(times: Sequence[Series]) -> dict[str, int]:
    """Number the machines with their settings: within one, times can be compared."""
    return {text: number for number, text in enumerate(dict.fromkeys(map(_machine, times)))}


def _machine(series: Series) -> str:
    words = (series.machine, series.settings, series.fingerprint[:8])
    return ", ".join(word for word in words if word) or "unknown"


def _figures(times: Sequence[Series], machines: Mapping[str, int]) -> dict[str, Any]:
    frameworks = sorted({one.framework for one in times})
    series = [
        {
            "case": one.case,
            "direction": one.direction,
            "machine": machines[_machine(one)],
            "title": title(one.framework) + (f", {one.device}" * (one.device != "cpu")),
            "colour": frameworks.index(one.framework),
            "dates": [run.date.isoformat() for run, _ in one.measured],
            "seconds": [seconds for _, seconds in one.measured],
            "labels": [_label(run, seconds) for run, seconds in one.measured],
            "steps": [
                {
                    "date": one.measured[step.after][0].date.isoformat(),
                    "change": step.change,
                    "slower": step.ratio > 1,
                }
                for step in one.steps
            ],
        }
        for one in times
    ]
    return {"series": series}


def _label(run: SavedRun, seconds: float) -> str:
    commit = f", commit {short(run.commit)}" if run.commit else ""
    return f"{quantities.seconds(seconds)}, {run.version}{commit}"


def _step(series: Series, step: Step, machines: Mapping[str, int]) -> dict[str, Any]:
    machine, text = str(machines[_machine(series)]), series.describe(step)
    return {"of": series, "machine": machine, "slower": step.ratio > 1, "text": text}


def _case_history(history: CaseHistory, addresses: Mapping[str, str]) -> dict[str, Any]:
    streaks = [(streak.status, _since(streak)) for streak in reversed(history.streaks)]
    address = addresses.get(history.case, "")
    return {"history": history, "address": address, "streaks": streaks}


def _since(streak: Streak) -> str:
    first, last = streak.first, streak.last
    text = f"since {first.date:%Y-%m-%d} ({_run(first)})"
    if streak.runs > 1:
        text += f", last {last.date:%Y-%m-%d}, {streak.runs} runs"
    return f"{text}: {', '.join(streak.checks)}" if streak.checks else text


def _run(run: SavedRun) -> str:
    return f"{short(run.commit)}, {run.version}" if run.commit else run.version
