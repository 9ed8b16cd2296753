"""How far a benchmark is, and how long the rest may take."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from harness.cli.bench_plan import Plan
from harness.records.check import DIRECTIONS
from harness.records.measurement import Measurement
from harness.records.record import Event


def followed(events: Iterable[Event], plan: Plan) -> Iterator[Event]:
    """Pass events on, showing the progress."""
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
    terminal = Console(stderr=True)
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
