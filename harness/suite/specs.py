"""Read suites of cases from YAML; every error names file and line.

The format is described by ``specs/schema.json`` and, for people, by ``CONTRIBUTING.md``.
"""

from __future__ import annotations

import fnmatch
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np

from harness.convention.registry import UnknownFrameworkError, convention
from harness.core.errors import InputError
from harness.core.operators import IllegalOperator, Operator, OperatorError
from harness.lookup.snippet import read
from harness.suite.case import FILLS, SIGNIFICANT_BITS, Case, check_sizes, exact_magnitude
from harness.suite.yaml_fields import REQUIRED, Fields, SpecError, document, shown

MAX_CASES_PER_ENTRY: Final = 10_000
LIMITATIONS_FILE: Final = "limitations.yaml"
BENCH_FOLDER: Final = "bench"


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
        glob; of several, those that any of them means.

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
    for file in _spec_files(root):
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
    """Whether ``select`` means this case.

    >>> selected("models/dcgan/a", "dcgan"), selected("models/dcgan/a", "dcgan*")
    (True, False)
    """
    if any(character in select for character in "*?["):
        return fnmatch.fnmatchcase(case_id, select)
    return select in case_id


def _spec_files(root: Path) -> list[Path]:
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


_OPERATOR_KEYS: Final = ("stride", "dilation", "crop", "groups", "bias")
_CALL_KEYS: Final = ("call", "weight")
_SWEPT_KEYS: Final = {
    "input": "i",
    "out_channels": "oc",
    "kernel": "k",
    "stride": "s",
    "dilation": "d",
    "crop": "c",
    "groups": "g",
    "bias": "b",
    "dtype": "",
    "fill": "",
    "program": "",
}


def _cases_of(file: Path) -> Iterator[Case]:
    where = shown(file)
    suite = Fields.of(document(file), where)
    name = suite.text("suite")
    source, _ = suite.text("source", ""), suite.text("note", "")
    for node in suite.items("cases"):
        entry = _CaseFields.of(node, where)
        entry.subject = f"case {entry.text('name')!r}: "
        yield from entry.expanded(name, source)
    suite.finish()


class _CaseFields(Fields):
    """One entry of a suite: a case, or a sweep of them."""

    def expanded(self, suite: str, source: str) -> Iterator[Case]:
        """One case, or one for each combination that its ``matrix`` lists."""
        matrix = self.take("matrix", {})
        if not isinstance(matrix, dict) or not all(isinstance(v, list) for v in matrix.values()):
            raise self.error("'matrix' must map keys to lists of values.", "matrix")
        if empty := [key for key, values in matrix.items() if not values]:
            raise self.error(f"'matrix' lists no value for {empty[0]!r}.", "matrix")
        if unknown := [key for key in matrix if key not in _SWEPT_KEYS]:
            raise self.error(
                f"'matrix' cannot sweep {unknown[0]!r}; it can: {', '.join(_SWEPT_KEYS)}.", "matrix"
            )
        count = math.prod(len(values) for values in matrix.values())
        if count > MAX_CASES_PER_ENTRY:
            raise self.error(
                f"'matrix' makes {count} cases; {MAX_CASES_PER_ENTRY} are allowed.", "matrix"
            )
        for values in itertools.product(*matrix.values()):
            swept = dict(zip(matrix, values, strict=True))
            label = "-".join(_SWEPT_KEYS[key] + _brief(value) for key, value in swept.items())
            subject, case = self.subject, self._case(suite, source, swept, label)
            self.subject = subject
            yield case
        self.finish()

    def _case(self, suite: str, source: str, swept: Mapping[str, Any], label: str) -> Case:
        name = self.text("name") + (f"/{label}" if label else "")
        self.subject = f"case {name!r}: "

        def value(key: str, default: Any = REQUIRED) -> Any:
            if key in swept:
                self._known.append(key)
                return swept[key]
            return self.take(key, default)

        rejected = self.flag("rejected", default=False)
        self._known.extend(_CALL_KEYS)
        if "weight" in self._entries and "call" not in self._entries:
            raise self.error("'weight' is for a case with a 'call'.", "weight")
        if "call" in self._entries:
            operator, shape = self._called(value, swept, rejected=rejected)
        else:
            operator, shape = self._operator(value, swept, rejected=rejected)
        case = Case(
            id=f"{suite}/{name}",
            suite=suite,
            operator=operator,
            batch=shape[0],
            in_size=shape[2:],
            dtype=self._one_of("dtype", value("dtype", "float32"), SIGNIFICANT_BITS),
            fill=self._one_of("fill", value("fill", "integer"), FILLS),
            given=self._given(),
            rejected=rejected,
            says=self._says(rejected=rejected),
            documented=rejected
            or self._one_of("program", value("program", "advised"), ("advised", "documented"))
            == "documented",
            source=self.text("source", source),
            note=self.text("note", ""),
            file=self.file,
            line=self.line,
        )
        self._check(case)
        return case

    def _operator(
        self, value: Callable[..., Any], swept: Mapping[str, Any], *, rejected: bool
    ) -> tuple[Operator, tuple[int, ...]]:
        """Read an operator in canonical words, and the input's shape."""
        shape = self._ints("input", value("input"), at_least=3)
        kernel = value("kernel")
        rank = len(shape) - 2
        kernel = (kernel,) * rank if _is_int(kernel) else self._ints("kernel", kernel)
        if len(kernel) != rank:
            raise self.error(
                f"input {list(shape)} has {rank} spatial axes, kernel {list(kernel)} "
                f"has {len(kernel)}.",
                "kernel",
            )
        options = {
            key: value(key) for key in _OPERATOR_KEYS if key in swept or key in self._entries
        }
        self._known.extend(_OPERATOR_KEYS)
        self._check_options(options)
        out_channels = value("out_channels")
        if not _is_int(out_channels):
            raise self.error(
                f"out_channels must be an integer, found {out_channels!r}.", "out_channels"
            )
        try:
            kind = IllegalOperator if rejected else Operator
            return kind.of(shape[1], out_channels, kernel, **options), shape
        except OperatorError as error:
            raise self.error(str(error)) from None

    def _called(
        self, value: Callable[..., Any], swept: Mapping[str, Any], *, rejected: bool
    ) -> tuple[Operator, tuple[int, ...]]:
        """Read an operator in a framework's own words, and the input's shape."""
        for key in ("kernel", "out_channels", *_OPERATOR_KEYS):
            if key in swept or key in self._entries:
                raise self.error(f"'call' says {key!r} already: leave one of them out.", key)
        if rejected:
            raise self.error("'call' is for legal cases: write a rejected one out.", "rejected")
        shape, weight = value("input", None), self.take("weight", None)
        shapes = {
            key: None if given is None else self._ints(key, given, at_least=3)
            for key, given in {"input": shape, "weight": weight}.items()
        }
        text = self.text("call")
        try:
            found = read(text, input=shapes["input"], weight=shapes["weight"])
        except InputError as error:
            raise self.error(f"call: {error}", "call") from None
        if found.input is None:
            raise self.error("'input' is missing: the call does not say it.")
        return found.operator, found.input

    def _check(self, case: Case) -> None:
        """Hold a case against the size law and against what its source promises."""
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
        output = self.take("output", None)
        if output is not None and self._ints("output", output) != case.out_shape:
            raise self.error(
                f"output {output} is promised, but the size law gives {list(case.out_shape)}: "
                f"full size {list(case.operator.full_size(case.in_size))} less crop "
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

    def _ints(self, key: str, value: Any, at_least: int = 1) -> tuple[int, ...]:
        if not isinstance(value, list) or not all(_is_int(v) for v in value):
            raise self.error(f"{key} must be a list of integers, found {value!r}.", key)
        if len(value) < at_least:
            raise self.error(f"{key} {value} needs at least {at_least} entries.", key)
        if key in ("input", "output") and min(value) < 0:
            raise self.error(f"{key} {value} must not be negative.", key)
        return tuple(value)

    def _check_options(self, options: Mapping[str, Any]) -> None:
        for key, value in options.items():
            if key == "bias" and not isinstance(value, bool):
                raise self.error(f"bias must be true or false, found {value!r}.", key)
            if key == "groups" and not _is_int(value):
                raise self.error(f"groups must be an integer, found {value!r}.", key)
            if key in ("stride", "dilation", "crop") and not _is_ints(value, nested=key == "crop"):
                raise self.error(
                    f"{key} must be an integer or one per spatial axis, found {value!r}.", key
                )

    def _one_of(self, key: str, value: Any, choices: Sequence[str] | Mapping[str, int]) -> str:
        if not isinstance(value, str) or value not in choices:
            raise self.error(f"{key} {value!r} must be one of {', '.join(choices)}.", key)
        return value

    def _given(self) -> dict[str, np.ndarray[Any, Any]]:
        found = {}
        for name in ("x", "w", "b", "y"):
            value = self.take(name, None)
            if value is None:
                continue
            try:
                if not _is_numbers(value):
                    raise TypeError("it holds something else")
                found[name] = np.array(value, np.float64)
            except (ValueError, TypeError, OverflowError) as error:
                raise self.error(f"{name} is not an array of numbers: {error}", name) from None
            if not np.all(np.abs(found[name]) <= np.finfo(np.float32).max):
                raise self.error(f"{name} is not an array of finite numbers.", name)
        return found

    def _says(self, *, rejected: bool) -> dict[str, str]:
        says = self.take("says", {})
        if not isinstance(says, dict) or not all(isinstance(text, str) for text in says.values()):
            raise self.error("'says' must map frameworks to a part of what they say.", "says")
        if says and not rejected:
            raise self.error("'says' is for cases with 'rejected: true'.", "says")
        for framework in says:
            try:
                convention(framework)
            except UnknownFrameworkError as error:
                raise self.error(str(error), "says") from None
        return says


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_ints(value: Any, *, nested: bool) -> bool:
    if _is_int(value):
        return True
    return isinstance(value, list) and all(
        _is_int(item) or (nested and _is_ints(item, nested=False)) for item in value
    )


def _is_numbers(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_numbers, value))
    return isinstance(value, int | float) and not isinstance(value, bool)


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
