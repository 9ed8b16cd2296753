"""Why layers do not become one call elsewhere: alike reasons once, with all their layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from harness.audit.layers import ASKS, Audit, AuditedLayer, Fate, Mark
from harness.suite.conditions import DTYPE

# What a mark means, in the order of its section; one call that computes the same needs no reason.
MEANINGS: Final = {
    Mark.NO: "cannot be written",
    Mark.BUG: "can be written, and goes wrong: known bugs",
    Mark.ASKS: "depends on what the text has no numbers for",
    Mark.REWRITTEN: "takes more than one call",
}
_FEW: Final = 3  # Places of a reason that are shown


@dataclass
class Reason:
    """A reason, the targets that it holds for, and the layers concerned."""

    mark: Mark
    text: str
    targets: dict[str, None] = field(default_factory=dict)
    places: dict[str, None] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The first places, and how many more there are."""
        first = ", ".join([*self.places][:_FEW])
        more = len(self.places) - _FEW
        return f"{first} and {more} more" if more > 0 else first


def reasons(audit: Audit) -> list[Reason]:
    """Return all reasons of an audit, the worst first."""
    found: dict[tuple[Mark, str], Reason] = {}
    for layer, target, fate in audit.fates():
        for mark, text in reasons_of(audit, fate):
            reason = found.setdefault((mark, text), Reason(mark, text))
            reason.targets[target] = reason.places[layer.place] = None
    return sorted(found.values(), key=lambda each: [*MEANINGS].index(each.mark))


def reasons_of(audit: Audit, fate: Fate) -> Iterator[tuple[Mark, str]]:
    """Yield why a layer is no single right call in a target, each reason with its mark."""
    if fate.mark == Mark.BUG:
        yield from ((Mark.BUG, bug_in_words(audit, id_)) for id_ in fate.known)
    if fate.support != "native":
        mark = Mark.REWRITTEN if fate.support == "rewritten" else fate.mark
        yield mark, " ".join((fate.reason or "").removeprefix(ASKS).split())


def bug_in_words(audit: Audit, id_: str) -> str:
    """Describe a known bug: its id, what happens, in which checks, and the link."""
    known = audit.limitations[id_]
    checks = " ".join(filter(None, (known.status, ", ".join(known.checks))))
    depends = f"It depends on {known.depends_on}." if known.depends_on else ""
    return " ".join(filter(None, (f"{id_} ({checks}):", known.reason, depends, known.upstream)))


def elsewhere(audit: Audit) -> Iterator[str]:
    """Yield a line for each bug that some layers have under other conditions than the audit's."""
    layers: dict[str, list[AuditedLayer]] = {}
    for layer, _, fate in audit.fates():
        for id_ in fate.elsewhere:
            layers.setdefault(id_, []).append(layer)
    for id_, concerned in layers.items():
        known = audit.limitations[id_]
        where = [str((known.when or {}).get(DTYPE, "")), known.device * (known.device != "any")]
        conditions = ", ".join(filter(None, where))
        yield f"{id_} ({conditions}), {counted(concerned, 'layer')}: {known.reason}"


def summary(audit: Audit) -> str:
    """Say in a sentence what an audit has found."""
    found = f"{counted(audit.layers, 'layer')} in {audit.files} file{'s' * (audit.files != 1)}"
    if audit.layers:
        counts = {mark: sum(fate.mark == mark for _, _, fate in audit.fates()) for mark in Mark}
        met = ", ".join(f"{count} {mark}" for mark, count in counts.items() if count)
        targets = len(audit.targets)
        found += f", {targets} target{'s' * (targets != 1)}, {audit.conditions}: {met}"
    return f"{found}; {len(audit.unread)} not read."


def counted(things: Sequence[object], name: str) -> str:
    """Write how many there are: ``1 layer``, ``2 layers``."""
    return f"{len(things)} {name}{'s' * (len(things) != 1)}"
