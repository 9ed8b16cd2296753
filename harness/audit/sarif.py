"""An audit as SARIF 2.1.0, for code scanning: a result for each layer and what becomes of it.

What is one right call in every target is no result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from harness.audit.layers import Audit, AuditedLayer, Mark, Unread
from harness.audit.reasons import MEANINGS, reasons_of
from harness.report.sarif import location, sarif_log

_UNREAD: Final = "unread"
# By rule: how bad it is, and what it means.
_RULES: Final[Mapping[str, tuple[str, str]]] = {
    Mark.NO: ("error", f"A transposed convolution {MEANINGS[Mark.NO]} in a target."),
    Mark.BUG: ("warning", f"A transposed convolution {MEANINGS[Mark.BUG]} of a target."),
    Mark.ASKS: ("note", f"What becomes of a transposed convolution {MEANINGS[Mark.ASKS]}."),
    Mark.REWRITTEN: ("note", f"A transposed convolution {MEANINGS[Mark.REWRITTEN]} in a target."),
    _UNREAD: ("warning", "A transposed convolution, or a file, that could not be read."),
}
_IDS: Final = {
    Mark.NO: "unsupported",
    Mark.BUG: "known",
    Mark.ASKS: "undecided",
    Mark.REWRITTEN: "rewritten",
    _UNREAD: _UNREAD,
}


def sarif(audit: Audit, version: str) -> str:
    """Write an audit by this version of deconform as SARIF."""
    rules = [
        {
            "id": _IDS[key],
            "shortDescription": {"text": meaning},
            "defaultConfiguration": {"level": level},
        }
        for key, (level, meaning) in _RULES.items()
    ]
    return sarif_log(version, rules, [*_results(audit)])


def _results(audit: Audit) -> Iterator[Mapping[str, Any]]:
    alike: Counter[str] = Counter()
    for layer in audit.layers:
        by_mark: dict[Mark, list[str]] = {}
        for name, fate in layer.targets.items():
            for mark, text in reasons_of(audit, fate):
                by_mark.setdefault(mark, []).append(f"{name}: {text}")
        for mark, texts in by_mark.items():
            key = f"{layer.file}/{layer.name}/{layer.words}/{_IDS[mark]}"
            alike[key] += 1
            yield _result(mark, _message(layer, texts), f"{key}/{alike[key]}", layer)
    for unread in audit.unread:
        key = f"{unread.file}/{unread.error}/{_UNREAD}"
        alike[key] += 1
        yield _result(_UNREAD, unread.error, f"{key}/{alike[key]}", unread)


def _message(layer: AuditedLayer, texts: list[str]) -> str:
    name = f"{layer.name}: " if layer.name else ""
    return "\n".join([f"{name}{layer.words}", *texts])


def _result(
    rule: str, message: str, fingerprint: str, found: AuditedLayer | Unread
) -> Mapping[str, Any]:
    # A notebook's cells have lines of their own: a line of the file would be another one.
    in_cell = "" if found.cell is None else f"In {found.place}. "
    where = location(found.file, 0 if found.cell is not None else found.line or 0)
    return {
        "ruleId": _IDS[rule],
        "ruleIndex": [*_RULES].index(rule),
        "level": _RULES[rule][0],
        "message": {"text": in_cell + message},
        "partialFingerprints": {"deconform/v1": fingerprint},
        "locations": [where],
    }
