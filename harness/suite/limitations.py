"""What frameworks are known to get wrong, declared in ``specs/limitations.yaml``."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.suite.case import Case
from harness.suite.conditions import Conditions
from harness.suite.keys import KNOWN, LIMITATION, LIMITATIONS, Place
from harness.suite.specs import LIMITATIONS_FILE, specs_root
from harness.suite.yaml_fields import Fields, SpecError, document, shown


@dataclass(frozen=True)
class Limitation:
    """Something a framework is known to get wrong, declared in ``specs/limitations.yaml``."""

    id: str
    framework: str
    cases: tuple[str, ...]  # Globs over case ids
    checks: tuple[str, ...]  # The checks concerned; all where empty
    status: str  # The status that it explains
    reason: str
    upstream: str
    depends_on: str  # What else it takes, such as a processor's feature; without, a pass is a pass
    file: str
    line: int
    device: str = "any"  # Where the framework computes then: ``cpu``, ``cuda`` or ``any``
    when: Conditions | None = None  # What a layer is that it concerns; none of them without

    def concerns(self, case_id: str, framework: str, check: str) -> bool:
        """Whether this limitation applies to a record."""
        return (
            framework == self.framework
            and (not self.checks or check in self.checks)
            and any(fnmatch.fnmatchcase(case_id, glob) for glob in self.cases)
        )


def load_limitations(path: Path | None = None) -> tuple[Limitation, ...]:
    """Read the frameworks' limitations; raise :class:`SpecError` where the file is wrong."""
    file = path or specs_root() / LIMITATIONS_FILE
    return tuple(_limitations(file, LIMITATION)) if file.exists() else ()


def load_known(file: Path, column: str) -> tuple[Limitation, ...]:
    """Read the known failures of an implementation, whose column has this name.

    Raises
    ------
    SpecError
        If the file is wrong, or one of them names another column.
    """
    known = []
    for one in _limitations(file, KNOWN):
        if one.framework not in ("", column):
            fact = f"framework is {one.framework!r}; the implementation is {column!r}."
            raise SpecError(f"{one.file}:{one.line}: {fact}")
        known.append(replace(one, framework=column))
    return tuple(known)


def _limitations(file: Path, place: Place) -> Iterator[Limitation]:
    fields = Fields.of(document(file), shown(file), LIMITATIONS)
    for node in fields.value("limitations"):
        entry = Fields.of(node, fields.file, place)
        yield Limitation(**entry.values(), file=entry.file, line=entry.line)
    fields.check_unknown()


def of_device(
    limitations: Iterable[Limitation], framework: str, device: str
) -> Iterator[Limitation]:
    """Find what is declared of a framework that computes on a device, ``cpu`` or ``cuda``."""
    for one in limitations:
        if one.framework == framework and one.device in {"any", device}:
            yield one


def unmatched(limitations: Sequence[Limitation], cases: Sequence[Case]) -> Iterator[Limitation]:
    """Find limitations that apply to no case: a list of excuses must not rot."""
    checks = [(case.id, check) for case in cases for check in case.checks]
    for each in limitations:
        if not any(each.concerns(case, each.framework, check) for case, check in checks):
            yield each
