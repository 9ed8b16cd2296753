"""An audit as Markdown, for a pull request's comment or a job's summary."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from harness.audit.layers import Audit, Fate, Mark
from harness.audit.reasons import MEANINGS, elsewhere, reasons, summary
from harness.report.markdown import code, escaped, table


def markdown(audit: Audit) -> str:
    """Write the table of an audit, the reasons, and what is unread."""
    return "\n".join(_lines(audit)) + "\n"


def _lines(audit: Audit) -> Iterator[str]:
    yield from ("# Transposed convolutions in other frameworks", "", escaped(summary(audit)))
    targets = audit.targets
    if audit.layers:
        yield ""
        head = ("place", "name", "from", "operator", *targets)
        rows = (
            (
                code(layer.place),
                layer.name,
                layer.framework,
                layer.words,
                *(_cell(layer.targets.get(name)) for name in targets),
            )
            for layer in audit.layers
        )
        yield from table(head, rows)
    for mark, group in groupby(reasons(audit), key=lambda each: each.mark):
        yield from ("", f"## {mark.capitalize()}: {MEANINGS[mark]}", "")
        rows = ((", ".join(each.targets), each.text, code(each.where)) for each in group)
        yield from table(("targets", "reason", "layers"), rows)
    if others := list(elsewhere(audit)):
        yield from ("", f"## Bugs outside of {audit.conditions}, or that may concern a layer", "")
        yield from (f"- {escaped(line)}" for line in others)
    if audit.unread:
        yield from ("", "## Not read", "")
        yield from table(("place", "why"), ((code(one.place), one.error) for one in audit.unread))


def _cell(fate: Fate | None) -> str:
    if fate is None:
        return "-"
    return str(fate.mark) if fate.mark in {Mark.YES, Mark.REWRITTEN} else f"**{fate.mark}**"
