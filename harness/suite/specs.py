"""Read suites of cases from YAML; every error names file and line.

The keys stand in :mod:`harness.suite.keys`.
"""

from __future__ import annotations

import fnmatch
import itertools
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

from harness.core.errors import InputError
from harness.core.operators import IllegalOperator, Operator, OperatorError, Sizes
from harness.lookup.reading import read
from harness.suite.case import Case, check_sizes, exact_magnitude
from harness.suite.keys import CASE, SUITE
from harness.suite.yaml_fields import Fields, SpecError, document, shown

LIMITATIONS_FILE: Final = "limitations.yaml"
BENCH_FOLDER: Final = "bench"
MAX_CASES: Final = 20_000
MAX_ID: Final = 1000  # Characters
_OPTIONS: Final = ("stride", "dilation", "crop", "groups", "bias")
_GIVEN: Final = ("x", "w", "b", "y")


def specs_root() -> Path:
    """Return the folder of the default suite: the installed package's, else the checkout's."""
    installed = Path(str(resources.files("harness"))) / "specs"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "specs"


def load_cases(
    path: str | Path | None = None, select: str | Sequence[str] | None = None
) -> Iterator[Case]:
    """Read the cases of a spec file or of a folder of them.

    Parameters
    ----------
    path : path, optional
        A YAML file or a folder, read recursively but for ``bench/`` inside it; the default suite
        where it is ``None``.
    select : str or sequence of str, optional
        Keep the cases whose id contains this text or, with ``*``, ``?`` or ``[``, matches it as a
        glob; of several, those that any of them selects.

    Yields
    ------
    Case

    Raises
    ------
    SpecError
        With file and line, if anything in a spec is wrong.

    Examples
    --------
    >>> next(load_cases(select="models/dcgan/*")).operator.kernel
    (4, 4)
    """
    root = specs_root() if path is None else Path(path)
    wanted = (select,) if isinstance(select, str) else select
    seen: dict[str, Case] = {}
    for file in spec_files(root):
        for case in _cases_of(file):
            if other := seen.get(case.id):
                raise SpecError(
                    f"{case.file}:{case.line}: case {case.id!r} exists already, "
                    f"at {other.file}:{other.line}. Give it another name."
                )
            seen[case.id] = case
            if wanted is None or any(selected(case.id, one) for one in wanted):
                yield case


def selected(case_id: str, select: str) -> bool:
    """Whether ``select`` selects this case.

    >>> selected("models/dcgan/a", "dcgan"), selected("models/dcgan/a", "dcgan*")
    (True, False)
    """
    if any(character in select for character in "*?["):
        return fnmatch.fnmatchcase(case_id, select)
    return select in case_id


def spec_files(root: Path) -> list[Path]:
    """Return a spec file itself, or those in a folder but for ``bench/`` inside it."""
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise SpecError(f"{root}: there is no such spec file or folder.")
    files = [
        file
        for file in sorted(root.rglob("*.yaml"))
        if file.name != LIMITATIONS_FILE and BENCH_FOLDER not in file.relative_to(root).parts[:-1]
    ]
    if not files:
        raise SpecError(f"{root}: there is no spec (*.yaml) in this folder.")
    return files


def _cases_of(file: Path) -> Iterator[Case]:
    for count, case in enumerate(_all_cases_of(file)):
        if count == MAX_CASES:
            raise SpecError(f"{case.file}:{case.line}: more than {MAX_CASES} cases in one file.")
        yield case


def _all_cases_of(file: Path) -> Iterator[Case]:
    suite = Fields.of(document(file), shown(file), SUITE)
    name, source, _ = suite.value("suite"), suite.value("source"), suite.value("note")
    for node in suite.value("cases"):
        yield from _Entry.of(node, suite.file, CASE).cases(name, source)
    suite.check_unknown()


class _Entry(Fields):
    """One entry of a suite: a case, or a sweep of them."""

    _swept: Mapping[str, Any] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._swept or super().__contains__(key)

    def value(self, key: str) -> Any:
        """Return a key's value in the current combination."""
        return self.checked(key, self._swept[key]) if key in self._swept else super().value(key)

    def cases(self, suite: str, source: str) -> Iterator[Case]:
        """Yield one case, or one for each combination of ``matrix``."""
        name = self.value("name")
        self.subject = f"case {name!r}: "
        matrix = self.value("matrix")
        for values in itertools.product(*matrix.values()):
            self._swept = dict(zip(matrix, values, strict=True))
            labels = [f"{CASE.keys[key].label}{_brief(v)}" for key, v in self._swept.items()]
            full_name = "/".join([name, "-".join(labels)] if labels else [name])
            self.subject = f"case {full_name!r}: "
            yield self._case(full_name, suite, source)
        self.subject = f"case {name!r}: "
        switches = [key for key in ("call", "rejected") if self.value(key)]
        self.check_unknown([key.name for key in CASE.keys.values() if key.not_with in switches])

    def _case(self, name: str, suite: str, source: str) -> Case:
        rejected = self.value("rejected")
        if "weight" in self and "call" not in self:
            raise self.error("'weight' is for a case with a 'call'.", "weight")
        operator, shape = self._called() if "call" in self else self._operator()
        says = self.value("says")
        if says and not rejected:
            raise self.error("'says' is for cases with 'rejected: true'.", "says")
        case = Case(
            id=f"{suite}/{name}",
            suite=suite,
            operator=operator,
            batch=shape[0],
            in_size=shape[2:],
            dtype=self.value("dtype"),
            fill=self.value("fill"),
            given={key: self.value(key) for key in _GIVEN if self.value(key) is not None},
            rejected=rejected,
            says=says,
            documented=rejected or self.value("program") == "documented",
            named=self.value("program") == "named",
            source=self.value("source") if "source" in self else source,
            note=self.value("note"),
            file=self.file,
            line=self.line,
        )
        if len(case.id) > MAX_ID:
            raise self.error(f"its id has {len(case.id)} characters; {MAX_ID} are allowed.", "name")
        self._check(case)
        return case

    def _operator(self) -> tuple[Operator, Sizes]:
        """Read an operator from canonical keys, and the input's shape."""
        shape, kernel = self.value("input"), self.value("kernel")
        rank = len(shape) - 2
        kernel = (kernel,) * rank if isinstance(kernel, int) else kernel
        if len(kernel) != rank:
            raise self.error(
                f"input {list(shape)} has {rank} spatial axes, kernel {list(kernel)} "
                f"has {len(kernel)}.",
                "kernel",
            )
        options = {key: self.value(key) for key in _OPTIONS}
        kind = IllegalOperator if self.value("rejected") else Operator
        try:
            return kind.of(shape[1], self.value("out_channels"), kernel, **options), shape
        except OperatorError as error:
            raise self.error(str(error)) from None

    def _called(self) -> tuple[Operator, Sizes]:
        """Read an operator from a framework's call, and the input's shape."""
        for key in CASE.keys.values():
            if key.not_with == "call" and key.name in self:
                raise self.error(
                    f"'call' says {key.name!r} already: leave one of them out.", key.name
                )
        if self.value("rejected"):
            raise self.error("'call' is for legal cases: write a rejected one out.", "rejected")
        shapes = {key: self.value(key) if key in self else None for key in ("input", "weight")}
        text = self.value("call")
        try:
            read_call = read(text, **shapes)
        except InputError as error:
            raise self.error(f"call: {error}", "call") from None
        if read_call.input is None:
            raise self.error("'input' is missing: the call does not say it.")
        return read_call.operator, read_call.input

    def _check(self, case: Case) -> None:
        """Check a case against the size law and what its source promises."""
        try:
            check_sizes(case)
            if case.fill == "integer" and not case.rejected:
                exact_magnitude(case)
        except OperatorError as error:
            raise self.error(str(error)) from None
        explanation = case.operator.explain(case.in_size)
        if case.rejected:
            if not case.operator.violations() and explanation is None:
                raise self.error("'rejected' is set, but the configuration is legal.", "rejected")
            return
        if explanation is not None:
            raise self.error(explanation)
        output = self.value("output")
        if output is not None and output != case.out_shape:
            raise self.error(
                f"output {list(output)} is promised, but the size law gives {list(case.out_shape)}:"
                f" full size {list(case.operator.full_size(case.in_size))} less crop "
                f"{[list(pair) for pair in case.operator.crop]}.",
                "output",
            )
        shapes = case.shapes | {"y": case.out_shape}
        for name, array in case.given.items():
            if array.shape != shapes.get(name):
                wanted = list(shapes[name]) if name in shapes else "left out: there is no bias"
                raise self.error(
                    f"{name} has shape {list(array.shape)}; it must be {wanted}.", name
                )


def _brief(value: Any) -> str:
    """Write a swept value for a case's name, as descriptors do.

    >>> _brief([[1, 0], 2]), _brief([2, 3]), _brief(False)
    ('1.0x2', '2x3', '0')
    """
    if isinstance(value, bool):
        return str(int(value))
    if not isinstance(value, list):
        return str(value)
    return "x".join(
        ".".join(map(str, item)) if isinstance(item, list) else str(item) for item in value
    )
