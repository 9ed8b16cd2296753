"""A comparison of benchmarks in the terminal, and as Markdown for a pull request's comment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from rich.console import Console
from rich.text import Text

from harness.bench.comparison import Comparison, Pair, Single
from harness.bench.intervals import CONFIDENCE, Change, Interval
from harness.report import quantities
from harness.report.benchmark import STYLES
from harness.report.markdown import escaped, folded, table

_LOUD = (Change.SLOWER, Change.FASTER)
_SHOWN = 3


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print each program's times, ratio and verdict; then means, other changes and the verdict."""
    for line in _lines(comparison):
        console.print(line, soft_wrap=True)


def comparison_markdown(comparison: Comparison) -> str:
    """Write a comparison as Markdown: changes in view, everything else in folded details."""
    return "\n".join(_markdown(comparison)) + "\n"


def verdict(comparison: Comparison) -> str:
    """Summarize a comparison in one line."""
    counts = {change: sum(pair.change == change for pair in comparison.pairs) for change in Change}
    counted = ", ".join(f"{count} {change}" for change, count in counts.items() if count)
    if not comparison.is_comparable:
        return f"Nothing can be compared: {'; '.join(_incomparable(comparison))}."
    total, percent = len(comparison.pairs), 100 * comparison.threshold
    return f"{total} programs: {counted} (threshold {percent:.3g}%)."


def explanation(comparison: Comparison) -> tuple[str, ...]:
    """Explain the ratio."""
    baseline = comparison.baseline
    reference = (
        f"{baseline}'s, in its rounds" if baseline else "the others', in its rounds (median)"
    )
    return (
        f"Ratio, new / old, of each program's time to {reference};",
        f"above 1 is slower. In brackets its {CONFIDENCE:.0%} interval; none: too few rounds.",
    )


def _lines(comparison: Comparison) -> Iterator[Text]:
    yield from (Text(line, "dim") for line in explanation(comparison))
    yield Text()
    yield Text(f"  {'':<11}{'old':>9}{'new':>10}{'ratio':>8}  {'interval':<16}", "bold")
    for heading, pairs in groupby(
        comparison.pairs, lambda pair: f"{pair.new.case}, {pair.new.direction}"
    ):
        yield Text(heading, "bold")
        yield from map(_line, pairs)
    yield from _means(comparison)
    others = {
        "in one report only": _singles(comparison.singles),
        "incomparable": _incomparable(comparison),
        "what else changed": comparison.notes,
    }
    for heading, lines in others.items():
        if shown := list(lines):
            yield from (Text(), Text(heading, "bold"), *(Text(f"  {line}") for line in shown))
    yield Text()
    bad = comparison.regressions or not comparison.is_comparable
    for pair in comparison.regressions:
        yield Text(_regression(pair), "red")
    yield Text(verdict(comparison), "bold red" if bad else "bold green")


def _line(pair: Pair) -> Text:
    start = "  {:<11}{:>9}{:>10}{:>8}  {:<16}".format(*_figures(pair))
    return Text.assemble(start, (pair.change, STYLES.get(pair.change, "")))


def _figures(pair: Pair) -> tuple[str, ...]:
    times = map(quantities.seconds, (pair.old.seconds, pair.new.seconds))
    return (pair.new.framework, *times, *(_ratio(pair.ratio) if pair.ratio else ("", "")))


def _ratio(interval: Interval) -> tuple[str, str]:
    return quantities.factor(interval.value), quantities.bounds(interval)


def _means(comparison: Comparison) -> Iterator[Text]:
    if not comparison.means:
        return
    yield from (Text(), Text("geometric mean of the ratios", "bold"))
    for framework, (mean, count) in comparison.means.items():
        ratio = "{:>8}  {:<16}".format(*_ratio(mean))
        yield Text(f"  {framework:<11}{'':19}{ratio}of {count} programs")


def _regression(pair: Pair) -> str:
    *_, ratio, interval = _figures(pair)
    place = f"{pair.new.case}, {pair.new.direction}, {pair.new.framework}"
    return f"slower: {place}: x{ratio} {interval}"


def _incomparable(comparison: Comparison) -> Iterator[str]:
    reasons = Counter(pair.reason for pair in comparison.pairs if pair.reason)
    yield from (f"{reason} ({count} programs)" for reason, count in reasons.items())


def _singles(singles: Iterable[Single]) -> Iterator[str]:
    """Describe the programs that have a time in one report only, grouped by cause."""
    programs_by_cause: dict[str, list[str]] = {}
    for single in singles:
        other = "NEW" if single.where == "OLD" else "OLD"
        why = f" ({single.reason})" if single.reason else ""
        one = single.measured
        cause = f"{one.framework}, {single.status} in {other}{why}"
        time = quantities.seconds(one.seconds)
        program = f"{one.case}, {one.direction}: {time} in {single.where}"
        programs_by_cause.setdefault(cause, []).append(program)
    for cause, programs in programs_by_cause.items():
        more = f"; and {len(programs) - _SHOWN} more" if len(programs) > _SHOWN else ""
        yield f"{cause}: {'; '.join(programs[:_SHOWN])}{more}"


def _markdown(comparison: Comparison) -> Iterator[str]:
    loud = [pair for pair in comparison.pairs if pair.change in _LOUD]
    mark = "no program became slower" if comparison.is_comparable else "nothing to compare"
    if comparison.regressions:
        mark = f"{len(comparison.regressions)} became slower"
    yield from (f"### Benchmark: {mark}", "", escaped(verdict(comparison)))
    if loud:
        yield from ("", *_pairs_table(loud))
    for lines in (_singles(comparison.singles), comparison.notes):
        if shown := [f"- {escaped(line)}" for line in lines]:
            yield from ("", *shown)
    if comparison.means:
        yield ""
        head = ("framework", "geometric mean of the ratios", "interval", "programs")
        means = comparison.means.items()
        yield from table(head, ((name, *_ratio(mean), f"{n}") for name, (mean, n) in means))
    every = (*_pairs_table(comparison.pairs), "", " ".join(explanation(comparison)))
    yield from folded(f"All {len(comparison.pairs)} programs", every)


def _pairs_table(pairs: Iterable[Pair]) -> Iterator[str]:
    def verdict(pair: Pair) -> str:
        if pair.change in _LOUD:
            return f"**{pair.change}**"
        return f"{pair.change}{': ' if pair.reason else ''}{pair.reason}"

    head = ("case", "direction", "framework", "old", "new", "ratio", "interval", "verdict")
    rows = ((p.new.case, p.new.direction, *_figures(p), verdict(p)) for p in pairs)
    return table(head, rows)
