"""Read suites of cases from YAML; every error names file and line.

The format is described by ``specs/schema.json`` and, for people, by ``CONTRIBUTING.md``.
"""

from __future__ import annotations

import difflib
import fnmatch
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml

from harness.case import FILLS, SIGNIFICANT_BITS, Case, check_sizes, exact_magnitude
from harness.errors import InputError
from harness.operator import IllegalOperator, Operator, OperatorError
from harness.snippet import read
from harness.syntax.tree import SnippetError

MAX_CASES_PER_ENTRY: Final = 10_000
MAX_DEPTH: Final = 20
LIMITATIONS_FILE: Final = "limitations.yaml"
BENCH_FOLDER: Final = "bench"


class SpecError(InputError):
    """A spec that cannot be used; the message begins with ``file:line``."""


@dataclass(frozen=True)
class Limitation:
    """Something a framework is known to get wrong, declared in ``specs/limitations.yaml``.

    Attributes
    ----------
    id, framework, reason, upstream : str
    cases : tuple of str
        Globs over case ids.
    checks : tuple of str
        The checks concerned; all where empty.
    status : str
        The status that it explains.
    depends_on : str
        What else it takes, such as a processor's feature; without it a pass is only a pass.
    """

    id: str
    framework: str
    cases: tuple[str, ...]
    checks: tuple[str, ...]
    status: str
    reason: str
    upstream: str
    depends_on: str
    file: str
    line: int

    def concerns(self, case_id: str, framework: str, check: str) -> bool:
        """Whether this limitation speaks of a record."""
        return (
            framework == self.framework
            and (not self.checks or check in self.checks)
            and any(fnmatch.fnmatchcase(case_id, glob) for glob in self.cases)
        )


def specs_root() -> Path:
    """Return the folder of the default suite: the installed package's, else the checkout's."""
    installed = Path(str(resources.files("harness"))) / "specs"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "specs"


def load_cases(path: str | Path | None = None, select: str | None = None) -> Iterator[Case]:
    """Read the cases of a spec file or of a folder of them.

    Parameters
    ----------
    path : path, optional
        A YAML file or a folder, read recursively but for ``bench/`` inside it; the default suite
        where it is ``None``.
    select : str, optional
        Keep the cases whose id contains this text or, with ``*``, ``?`` or ``[``, matches it as a
        glob.

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
    seen: dict[str, Case] = {}
    for file in _spec_files(root):
        for case in _cases_of(file):
            if other := seen.get(case.id):
                raise SpecError(
                    f"{case.file}:{case.line}: case {case.id!r} exists already, "
                    f"at {other.file}:{other.line}. Give it another name."
                )
            seen[case.id] = case
            if select is None or selected(case.id, select):
                yield case


def selected(case_id: str, select: str) -> bool:
    """Whether ``select`` means this case.

    >>> selected("models/dcgan/a", "dcgan"), selected("models/dcgan/a", "dcgan*")
    (True, False)
    """
    if any(character in select for character in "*?["):
        return fnmatch.fnmatchcase(case_id, select)
    return select in case_id


def load_limitations(path: Path | None = None) -> tuple[Limitation, ...]:
    """Read the declared limitations; raise :class:`SpecError` where the file is wrong."""
    file = path or specs_root() / LIMITATIONS_FILE
    if not file.is_file():
        return ()
    fields = _Fields.of(_document(file), _shown(file))
    found = tuple(
        _Fields.of(node, fields.file).limitation() for node in fields.items("limitations")
    )
    fields.finish()
    return found


def unmatched(limitations: Sequence[Limitation], cases: Sequence[Case]) -> Iterator[Limitation]:
    """Find limitations that speak of no case: a list of excuses must not rot."""
    for limitation in limitations:
        if not any(
            limitation.concerns(case.id, limitation.framework, check)
            for case in cases
            for check in case.checks
        ):
            yield limitation


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


def _shown(file: Path) -> str:
    try:
        return str(file.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(file)


def _document(file: Path) -> yaml.Node:
    """Compose a file into nodes, which know their lines."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = file.read_text(encoding="utf-8")
        depth = 0
        for event in yaml.parse(text, Loader=loader):
            where = f"{_shown(file)}:{event.start_mark.line + 1 if event.start_mark else 1}"
            if isinstance(event, yaml.AliasEvent):
                # An alias of an alias of an alias grows without bound.
                raise SpecError(f"{where}: alias *{event.anchor} is not allowed; write it out.")
            if (tag := getattr(event, "tag", None)) is not None:
                raise SpecError(f"{where}: tag {tag} is not allowed; leave it out.")
            # Composing recurses, in C, which a deep document overflows.
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise SpecError(f"{where}: nested more than {MAX_DEPTH} deep.")
        node = yaml.compose(text, Loader=loader)
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{_shown(file)}:1: cannot be read: {error}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SpecError(f"{_shown(file)}:{line}: not YAML: {error.problem}.") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise SpecError(f"{_shown(file)}:1: not YAML: {error}") from None
    if node is None:
        raise SpecError(f"{_shown(file)}:1: the file is empty.")
    assert isinstance(node, yaml.Node)
    return node


_REQUIRED: Final = object()

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
    shown = _shown(file)
    suite = _Fields.of(_document(file), shown)
    name = suite.text("suite")
    source, _ = suite.text("source", ""), suite.text("note", "")
    for node in suite.items("cases"):
        entry = _Fields.of(node, shown)
        entry.subject = f"case {entry.text('name')!r}: "
        yield from entry.expanded(name, source)
    suite.finish()


class _Fields:
    """A YAML mapping being read: every key is taken once, and what is left is an error."""

    def __init__(self, file: str, line: int, entries: Mapping[str, yaml.Node]) -> None:
        self.file = file
        self.line = line
        self.subject = ""
        self._entries = dict(entries)
        self._known: list[str] = []

    @classmethod
    def of(cls, node: yaml.Node, file: str) -> _Fields:
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            raise SpecError(f"{file}:{line}: expected a mapping (key: value), found {_kind(node)}.")
        return cls(file, line, _entries(node, file))

    def error(self, message: str, key: str | None = None) -> SpecError:
        line = self._entries[key].start_mark.line + 1 if key in self._entries else self.line
        return SpecError(f"{self.file}:{line}: {self.subject}{message}")

    def take(self, key: str, default: Any = _REQUIRED) -> Any:
        self._known.append(key)
        if key not in self._entries:
            if default is _REQUIRED:
                raise self.error(f"{key!r} is missing.")
            return default
        if isinstance(self._entries[key], yaml.MappingNode):
            _entries(self._entries[key], self.file)
        try:
            return yaml.constructor.SafeConstructor().construct_document(self._entries[key])
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise self.error(f"{key}: {error}", key) from None

    def items(self, key: str) -> list[yaml.Node]:
        self._known.append(key)
        if key not in self._entries:
            raise self.error(f"{key!r} is missing.")
        node = self._entries[key]
        if not isinstance(node, yaml.SequenceNode):
            raise self.error(f"{key!r} must be a list, found {_kind(node)}.", key)
        return list(node.value)

    def text(self, key: str, default: Any = _REQUIRED) -> str:
        value = self.take(key, default)
        if not isinstance(value, str):
            raise self.error(f"{key!r} must be text, found {value!r}.", key)
        return value

    def texts(self, key: str, default: Any = _REQUIRED) -> tuple[str, ...]:
        value = self.take(key, default)
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list | tuple) or not all(isinstance(v, str) for v in values):
            raise self.error(f"{key!r} must be text or a list of texts, found {value!r}.", key)
        return tuple(values)

    def choice(self, key: str, choices: Sequence[str], default: Any = _REQUIRED) -> str:
        value = self.text(key, default)
        if value not in choices:
            raise self.error(f"{key} {value!r} must be one of {', '.join(choices)}.", key)
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.take(key, default)
        if not isinstance(value, bool):
            raise self.error(f"{key!r} must be true or false, found {value!r}.", key)
        return value

    def finish(self) -> None:
        """Raise for the first key that nobody asked for."""
        for key in self._entries:
            if key not in self._known:
                near = difflib.get_close_matches(key, self._known, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                known = ", ".join(sorted(set(self._known)))
                raise self.error(f"unknown key {key!r}.{hint} Known: {known}.", key)

    # What the entries of the two kinds of file mean.

    def limitation(self) -> Limitation:
        found = Limitation(
            id=self.text("id"),
            framework=self.text("framework"),
            cases=self.texts("cases"),
            checks=self.texts("checks", ()),
            status=self.choice("status", ("FAILED", "ERRORED", "CRASHED", "TIMEDOUT"), "FAILED"),
            reason=self.text("reason"),
            upstream=self.text("upstream", ""),
            depends_on=self.text("depends_on", ""),
            file=self.file,
            line=self.line,
        )
        self.finish()
        return found

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

        def value(key: str, default: Any = _REQUIRED) -> Any:
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
        try:
            found = read(
                self.text("call"),
                input=None if shape is None else self._ints("input", shape, at_least=3),
                weight=None if weight is None else self._ints("weight", weight, at_least=3),
            )
        except SnippetError as error:
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
        return says


def _entries(node: yaml.Node, file: str) -> dict[str, yaml.Node]:
    """Give the values of a mapping by key; a key must be a text, given once."""
    entries: dict[str, yaml.Node] = {}
    for key, value in node.value:
        where = f"{file}:{key.start_mark.line + 1}"
        if not isinstance(key, yaml.ScalarNode):
            raise SpecError(f"{where}: a key must be a text, found {_kind(key)}.")
        if key.value == "<<":
            raise SpecError(f"{where}: '<<' is not allowed; write the keys out.")
        if key.value in entries:
            raise SpecError(f"{where}: key {key.value!r} is given twice.")
        entries[key.value] = value
    return entries


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return "a mapping" if isinstance(node, yaml.MappingNode) else f"the value {node.value!r}"


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
