"""An audit on the terminal: a line for each layer, the reasons below it, and what is unread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from harness.audit.layers import Audit, AuditedLayer, Mark, Unread
from harness.audit.reasons import MEANINGS, Reason, elsewhere, reasons, summary
from harness.lookup.answer import Line

_LONGEST: Final = 60  # Characters of an operator
_COLOURS: Final = {
    Mark.YES: "green",
    Mark.REWRITTEN: "yellow",
    Mark.BUG: "bold red",
    Mark.ASKS: "cyan",
    Mark.NO: "red",
}


def lines(audit: Audit) -> Iterator[Line]:
    """Write an audit in lines of pairs of a style of ``rich`` and a text."""
    for number, section in enumerate(_sections(audit)):
        if number:
            yield []
        yield from section


def _sections(audit: Audit) -> Iterator[Iterable[Line]]:
    if audit.layers:
        yield _table(audit)
    for mark, group in groupby(reasons(audit), key=lambda each: each.mark):
        yield _reasons(mark, group)
    if others := list(elsewhere(audit)):
        fact = f"not counted: bugs outside of {audit.conditions}, or that may concern a layer"
        yield [[("dim", fact)], *([("", f"  {line}")] for line in others)]
    if audit.unread:
        yield [[("bold red", "not read")], *map(_unread, audit.unread)]
    yield [[("bold", summary(audit))]]


def _reasons(mark: Mark, alike: Iterable[Reason]) -> Iterator[Line]:
    yield [(_COLOURS[mark], mark), ("dim", f": {MEANINGS[mark]}")]
    for reason in alike:
        yield [("bold", f"  {', '.join(reason.targets)}: "), ("", reason.text)]
        yield [("dim", f"    {reason.where}")]


def _unread(unread: Unread) -> Line:
    first = unread.error.strip().splitlines()[:1]
    return [("", f"  {unread.place}: "), ("red", "".join(first))]


def _table(audit: Audit) -> Iterator[Line]:
    targets = audit.targets
    header = ["place", "name", "operator", *targets]
    rows = [_row(layer, targets) for layer in audit.layers]
    widths = [max(len(text) for _, text in column) for column in zip(*rows, strict=True)]
    widths = [max(width, len(title)) for width, title in zip(widths, header, strict=True)]
    for row in ([("dim", title) for title in header], *rows):
        cells = zip(row[:-1], widths, strict=False)
        yield [*((style, text.ljust(width) + "  ") for (style, text), width in cells), row[-1]]


def _row(layer: AuditedLayer, targets: tuple[str, ...]) -> Line:
    words = layer.words
    short = words if len(words) <= _LONGEST else words[: _LONGEST - 3] + "..."
    fates = [layer.targets.get(name) for name in targets]
    marks = [(_COLOURS[each.mark], str(each.mark)) if each else ("dim", "-") for each in fates]
    name = layer.name if layer.line is not None else ""
    return [("", layer.place), ("", name), ("", short), *marks]
