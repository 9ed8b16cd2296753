"""What an audit finds: layers, what each becomes in other frameworks, and what is unread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from harness.convention.registry import known_names
from harness.core.operators import Operator, Sizes
from harness.core.program import Support

if TYPE_CHECKING:  # Processes that only read files start faster without it
    from harness.suite.limitations import Limitation


class Mark(StrEnum):
    """What becomes of a layer in a target, in a word, the best first."""

    YES = "yes"
    REWRITTEN = "rewritten"
    BUG = "bug"
    ASKS = "asks"
    NO = "no"


ASKS: Final = "asks: "  # What a reason begins with that only wants numbers
_MARKS: Final[Mapping[str | None, Mark]] = {
    "native": Mark.YES,
    "rewritten": Mark.REWRITTEN,
    "unsupported": Mark.NO,
    None: Mark.ASKS,
}


@dataclass(frozen=True)
class Fate:
    """What becomes of a layer in a target.

    >>> Fate("native").mark, Fate("native", known=("mxnet-float16-cpu",)).mark, Fate(None).mark
    (<Mark.YES: 'yes'>, <Mark.BUG: 'bug'>, <Mark.ASKS: 'asks'>)
    """

    support: Support | None  # ``None`` where it depends on what the text has no numbers for
    reason: str | None = None
    known: tuple[str, ...] = ()  # The ids of the limitations that concern it
    # Those that do with another dtype or device, or may with what is not known of the layer.
    elsewhere: tuple[str, ...] = ()

    @property
    def badness(self) -> int:
        """How bad it is, from 0."""
        return [*Mark].index(self.mark)

    @property
    def mark(self) -> Mark:
        """The fate in a word; a bug of what cannot be written at all does not matter."""
        mark = _MARKS[self.support]
        return Mark.BUG if self.known and mark in {Mark.YES, Mark.REWRITTEN} else mark

    def to_json(self) -> dict[str, Any]:
        """Return the object of a target."""
        return {"support": self.support, "reason": self.reason, "known": list(self.known)}


@dataclass(frozen=True)
class AuditedLayer:
    """A transposed convolution of a project, and what becomes of it."""

    file: str
    line: int | None  # ``None`` in a model, which has nodes
    name: str  # What the text calls it; the node of a model
    framework: str  # Empty where it has no convention, as that of an ONNX model
    words: str  # The operator for people
    operator: Operator
    shown: Mapping[str, Any]  # The operator as JSON, in names where the text has no numbers
    descriptor: str | None
    input: Sizes | None
    targets: Mapping[str, Fate]
    cell: int | None = None  # Of a notebook

    @property
    def place(self) -> str:
        """Where it stands, such as ``model.py:12``."""
        return _place(self.file, self.line or self.name, self.cell)

    def to_json(self) -> dict[str, Any]:
        """Return the object of a layer."""
        where = {"node": self.name} if self.line is None else {"line": self.line}
        return {
            "file": self.file,
            **where,
            **({} if self.cell is None else {"cell": self.cell}),
            "framework": self.framework or None,
            "operator": dict(self.shown),
            "descriptor": self.descriptor,
            "targets": {name: fate.to_json() for name, fate in self.targets.items()},
        }


@dataclass(frozen=True)
class Unread:
    """A file, folder, call or node that could not be read, and why."""

    file: str
    line: int | None
    error: str
    cell: int | None = None

    @property
    def place(self) -> str:
        """Where it is, such as ``model.py:12``."""
        return _place(self.file, self.line, self.cell)

    def to_json(self) -> dict[str, Any]:
        """Return the object of what is unread."""
        cell = {} if self.cell is None else {"cell": self.cell}
        return {"file": self.file, "line": self.line, **cell, "error": self.error}


@dataclass(frozen=True)
class Audit:
    """All that was found in a project."""

    layers: tuple[AuditedLayer, ...]
    unread: tuple[Unread, ...]
    files: int = 0  # How many were looked at
    limitations: Mapping[str, Limitation] = field(default_factory=dict)  # By their ids
    conditions: str = ""  # The dtype and the device that it is about

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets, in order."""
        met = {name for layer in self.layers for name in layer.targets}
        return tuple(name for name in known_names() if name in met)

    def fates(self) -> Iterable[tuple[AuditedLayer, str, Fate]]:
        """Yield every layer with every target."""
        for layer in self.layers:
            for name, fate in layer.targets.items():
                yield layer, name, fate

    def fails(self, on: Iterable[str]) -> bool:
        """Whether any layer is ``unsupported``, ``known`` to go wrong, or ``rewritten``."""
        asked = {*on}
        return any(
            fate.support in asked or ("known" in asked and fate.mark == Mark.BUG)
            for _, _, fate in self.fates()
        )

    def to_json(self) -> dict[str, Any]:
        """Return the whole object."""
        return {
            "layers": [layer.to_json() for layer in self.layers],
            "unread": [each.to_json() for each in self.unread],
        }


def _place(file: str, inner: int | str | None, cell: int | None) -> str:
    in_cell = "" if cell is None else f":cell {cell}"
    return f"{file}{in_cell}" + (f":{inner}" if inner else "")
