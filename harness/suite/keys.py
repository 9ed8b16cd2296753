"""The keys of suites and of the limitations file: one table, from which everything else comes.

The loader reads by it (:mod:`harness.suite.yaml_fields`), and ``tools/spec_schema.py`` writes
``specs/schema.json`` and the tables of ``CONTRIBUTING.md`` from it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from harness.convention.registry import is_framework, that_is_run
from harness.records.check import Check
from harness.records.status import Status
from harness.suite.case import CLAIMED_DTYPES, FILLS, SIGNIFICANT_BITS
from harness.suite.conditions import (
    CONDITION_PATTERN,
    CONDITIONED,
    DTYPE,
    Condition,
    Conditions,
)

MAX_CASES_PER_ENTRY: Final = 10_000
REQUIRED: Final = object()


@dataclass(frozen=True)
class Kind:
    """The values that a key takes: in words, in JSON Schema, and as the loader reads them.

    ``read`` takes the key's name and a value as YAML has it; it raises :class:`ValueError` with a
    sentence for whoever wrote the file.
    """

    words: str
    schema: Mapping[str, Any]
    read: Callable[[str, Any], Any]


@dataclass(frozen=True)
class Key:
    """One key of a mapping."""

    name: str
    kind: Kind
    # Where the key is left out; with ``None`` a null means the same, and ``REQUIRED`` demands it.
    default: Any = REQUIRED
    _: KW_ONLY
    meaning: str  # One or two sentences, for the schema and the documents
    examples: tuple[Any, ...] = ()
    label: str | None = None  # Precedes a swept value in a case's name; without, no sweep
    not_with: str = ""  # The key of the same mapping that rules this one out


class Place:
    """A mapping in a file, and the keys that it may have."""

    def __init__(self, name: str, meaning: str, *keys: Key) -> None:
        self.name = name
        self.meaning = meaning
        self.keys: Final = {key.name: key for key in keys}


# Kinds of values.


_FOUND: Final = "{key} must be {words}, found {value!r}."
_QUOTED: Final = "{key!r} must be {words}, found {value!r}."


def _kind(
    words: str,
    schema: Mapping[str, Any],
    accepts: Callable[[Any], bool],
    error: str = _FOUND,
    use: Callable[[Any], Any] = lambda value: value,
) -> Kind:
    """Make a kind; ``error`` is said of a value that is not accepted, others are put to ``use``."""

    def read(key: str, value: Any) -> Any:
        if not accepts(value):
            raise ValueError(error.format(key=key, words=words, value=value))
        return use(value)

    return Kind(words, schema, read)


def _choice(*choices: str) -> Kind:
    *others, last = (f"`{choice}`" for choice in choices)
    return _kind(
        f"{', '.join(others)} or {last}",
        {"enum": list(choices)},
        lambda value: _is_text(value) and value in choices,
        f"{{key}} {{value!r}} must be one of {', '.join(choices)}.",
    )


def _shape(words: str, at_least: int, items: Mapping[str, Any], at_most: int | None = None) -> Kind:
    def read(key: str, value: Any) -> tuple[int, ...]:
        if not _are_integers(value):
            raise ValueError(_FOUND.format(key=key, words="a list of integers", value=value))
        if len(value) < at_least:
            raise ValueError(f"{key} {value} needs at least {at_least} entries.")
        if items.get("minimum") == 0 and min(value) < 0:
            raise ValueError(f"{key} {value} must not be negative.")
        return tuple(value)

    schema = {"type": "array", "minItems": at_least, "items": {"type": "integer", **items}}
    return Kind(words, schema | ({"maxItems": at_most} if at_most else {}), read)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_words(value: Any) -> bool:
    """Whether a list can be a command; no word of one can hold a NUL."""
    are_texts = isinstance(value, list) and all(map(_is_text, value))
    return are_texts and any(value[:1]) and "\0" not in "".join(value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    """Whether a value is an integer, such as all frameworks can be given."""
    return isinstance(value, int) and not _is_flag(value) and -(2**63) <= value < 2**63


def _are_integers(value: Any, *, pairs: bool = False) -> bool:
    """Whether a value is a list of integers or, with ``pairs``, also of lists of integers."""
    return isinstance(value, list) and all(
        _is_integer(item) or (pairs and _are_integers(item)) for item in value
    )


def _is_numbers(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_numbers, value))
    return isinstance(value, int | float) and not _is_flag(value)


def _read_array(key: str, value: Any) -> npt.NDArray[np.float64]:
    try:
        if not _is_numbers(value):
            raise TypeError("it holds something else")
        array = np.array(value, np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{key} is not an array of numbers: {error}") from None
    if not np.all(np.abs(array) <= np.finfo(np.float32).max):
        raise ValueError(f"{key} is not an array of finite numbers.")
    return array


def _read_matrix(key: str, value: Any) -> dict[str, list[Any]]:
    if not isinstance(value, dict) or not all(isinstance(v, list) for v in value.values()):
        raise ValueError(f"{key!r} must map keys to lists of values.")
    if empty := [name for name, values in value.items() if not values]:
        raise ValueError(f"{key!r} lists no value for {empty[0]!r}.")
    if unknown := [name for name in value if name not in SWEPT]:
        raise ValueError(f"{key!r} cannot sweep {unknown[0]!r}; it can: {', '.join(SWEPT)}.")
    if (count := math.prod(map(len, value.values()))) > MAX_CASES_PER_ENTRY:
        raise ValueError(f"{key!r} makes {count} cases; {MAX_CASES_PER_ENTRY} are allowed.")
    return value


def _read_conditions(key: str, value: Any) -> Conditions:
    if not isinstance(value, dict) or not all(map(_is_text, value)):
        raise ValueError(f"{key!r} must map properties to conditions, found {value!r}.")
    if unknown := [name for name in value if name not in CONDITIONED]:
        raise ValueError(f"{key!r} knows no {unknown[0]!r}, only {', '.join(CONDITIONED)}.")
    conditions: dict[str, Condition | str] = {}
    for name, each in value.items():
        if name == DTYPE:
            conditions[name] = _choice(*SIGNIFICANT_BITS).read(DTYPE, each)
        elif _is_text(each) or _is_integer(each):
            conditions[name] = Condition.of(str(each))
        else:
            raise ValueError(f"{key!r}: {name} must be a condition such as 1, found {each!r}.")
    return conditions


def _one_or_list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [items, {"type": "array", "items": items}]}


def _texts(items: Mapping[str, Any]) -> Kind:
    return _kind(
        "text or a list of texts",
        _one_or_list(items),
        lambda v: _is_text(v) or (isinstance(v, list) and all(map(_is_text, v))),
        _QUOTED,
        lambda v: (v,) if _is_text(v) else tuple(v),
    )


_TEXT: Final = {"type": "string"}
_WORD: Final = {"type": "string", "minLength": 1}
_INTEGER: Final = {"type": "integer"}
_SIDES: Final = {"type": "array", "minItems": 2, "maxItems": 2, "items": _INTEGER}
_PER_AXIS: Final = "an integer or one per spatial axis"

TEXT: Final = _kind("text", _TEXT, _is_text, _QUOTED)
TEXTS: Final = _texts(_TEXT)
CHECKS: Final = _texts({"enum": [str(check) for check in Check]})
FLAG: Final = _kind("true or false", {"type": "boolean"}, _is_flag, _QUOTED)
BIAS: Final = _kind("true or false", {"type": "boolean"}, _is_flag)
INTEGER: Final = _kind("an integer", _INTEGER, _is_integer)
PER_AXIS: Final = _kind(
    _PER_AXIS, _one_or_list(_INTEGER), lambda v: _is_integer(v) or _are_integers(v)
)
KERNEL: Final = Kind(
    _PER_AXIS,
    PER_AXIS.schema,
    lambda key, value: value if _is_integer(value) else _shape("", 1, {}).read(key, value),
)
CROP: Final = _kind(
    "an integer, or per spatial axis an integer or a pair",
    {"anyOf": [_INTEGER, {"type": "array", "items": {"anyOf": [_INTEGER, _SIDES]}}]},
    lambda v: _is_integer(v) or _are_integers(v, pairs=True),
    f"{{key}} must be {_PER_AXIS}, found {{value!r}}.",
)
INPUT: Final = _shape("three or more integers, not negative", 3, {"minimum": 0})
OUTPUT: Final = _shape("integers, not negative", 1, {"minimum": 0})
WEIGHT: Final = _shape("three to five positive integers", 3, {"minimum": 1}, at_most=5)
ARRAY: Final = Kind("nested lists of finite numbers", {"$ref": "#/$defs/array"}, _read_array)
# A mistyped framework would excuse nothing, and nobody would notice.
FRAMEWORK: Final = Kind(
    "a framework's name", _TEXT, lambda key, value: that_is_run(TEXT.read(key, value)).name
)
SAYS: Final = _kind(
    "text by framework",
    {"type": "object", "additionalProperties": _TEXT},
    lambda v: isinstance(v, dict) and all(map(_is_text, v.values())),
    "{key!r} must map frameworks to a part of what they say.",
    lambda v: {that_is_run(framework).name: text for framework, text in v.items()},
)
_A_CONDITION: Final = {"type": ["integer", "string"], "pattern": CONDITION_PATTERN, "minimum": 0}
CONDITIONS: Final = Kind(
    "conditions by property",
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {"description": f"What {name} must be."}
            | ({"enum": list(SIGNIFICANT_BITS)} if name == DTYPE else _A_CONDITION)
            for name in CONDITIONED
        },
    },
    _read_conditions,
)
MATRIX: Final = Kind("lists of values by key", {"type": "object"}, _read_matrix)
WORDS: Final = _kind(
    "text or a list of texts, the first not empty",
    {"anyOf": [_WORD, {"type": "array", "items": _TEXT, "minItems": 1, "prefixItems": [_WORD]}]},
    lambda v: _are_words([v] if _is_text(v) else v),
    _QUOTED,
    lambda v: (v,) if _is_text(v) else tuple(v),
)
COLUMN_NAME: Final = _kind(
    "letters, digits, `.`, `_` and `-`, and no framework's name",
    {"type": "string", "pattern": "^[A-Za-z][-A-Za-z0-9_.]{0,39}$"},
    lambda v: (
        _is_text(v)
        and re.fullmatch(r"[A-Za-z][-\w.]{0,39}", v, re.ASCII) is not None
        and not is_framework(v)
    ),
)
AXES: Final = _kind(
    "a list of 1, 2 and 3",
    {"type": "array", "items": {"enum": [1, 2, 3]}, "minItems": 1},
    lambda v: _are_integers(v) and bool(v) and set(v) <= {1, 2, 3},
    use=tuple,
)
DTYPES: Final = _kind(
    "a list of dtypes",
    {"type": "array", "items": {"enum": list(SIGNIFICANT_BITS)}, "minItems": 1},
    lambda v: isinstance(v, list) and bool(v) and all(one in SIGNIFICANT_BITS for one in v),
    f"{{key}} must be a list of {', '.join(SIGNIFICANT_BITS)}, found {{value!r}}.",
    tuple,
)
# Read key by key, as a mapping of its own.
MAPPING: Final = Kind("a mapping", {"type": "object"}, lambda _key, node: node)
# Read node by node, since each entry's errors name its own line.
ENTRIES: Final = Kind("a list", {"type": "array"}, lambda _key, nodes: nodes)


# The table.  A key's name, kind and default come first, then what it means.
# fmt: off

SUITE: Final = Place("suite", "A file of cases from one source.",
    Key("suite", TEXT, examples=("models/dcgan",),
        meaning="Name of the suite, by convention the file's path below specs/ without its ending. "
        "A case's id is suite/name."),
    Key("source", TEXT, "",
        meaning="Where the cases come from, as a rule a link. A case may name its own."),
    Key("note", TEXT, "", meaning="What a reader should know about the whole suite."),
    Key("cases", ENTRIES, meaning="The cases, in the order in which they run."),
)

CASE: Final = Place("case", "One operator on one input or, with a matrix, one per combination.",
    Key("name", TEXT,
        meaning="Name of the case, unique in its suite. A matrix adds an ending per combination."),
    Key("source", TEXT, "",
        meaning="Where this case comes from, if not from the suite's source."),
    Key("note", TEXT, "",
        meaning="What a reader should know, such as what was cut from the original."),
    Key("input", INPUT, label="i", examples=([2, 4, 5, 7],),
        meaning="Shape of the input: batch, channels, then one to three spatial sizes. "
        "A call may state it instead."),
    Key("call", TEXT, "", examples=("nn.ConvTranspose2d(64, 32, 4, stride=2, bias=False)",),
        meaning="The operator in a framework's own words, instead of out_channels, kernel, stride "
        "and so on: the call as it stands in code. It is read, never evaluated."),
    Key("weight", WEIGHT, None, examples=([64, 32, 4, 4],),
        meaning="Canonical shape of the weights, (c_in, c_out / groups, *kernel), for a call that "
        "does not state it."),
    Key("out_channels", INTEGER, label="oc", not_with="call",
        meaning="Number of output channels, of all groups together."),
    Key("kernel", KERNEL, label="k", not_with="call", examples=(3, [3, 2]),
        meaning="Size of the kernel."),
    Key("stride", PER_AXIS, 1, label="s", not_with="call",
        meaning="Step between the places where neighbouring input elements are scattered."),
    Key("dilation", PER_AXIS, 1, label="d", not_with="call",
        meaning="Step between the elements of the kernel."),
    Key("crop", CROP, 0, label="c", not_with="call", examples=(1, [[1, 0], [0, -2]]),
        meaning="Elements removed from the beginning and the end of each axis of the full output; "
        "negative extends it. padding=p with output_padding=q is [p, p - q]."),
    Key("groups", INTEGER, 1, label="g", not_with="call",
        meaning="Number of groups; must divide the input's and the output's channels. Group j of "
        "the inputs feeds group j of the outputs."),
    Key("bias", BIAS, default=True, label="b", not_with="call",
        meaning="Whether a bias is added to every output element."),
    Key("dtype", _choice(*SIGNIFICANT_BITS), "float32", label="",
        meaning="Type of all arrays."),
    Key("fill", _choice(*FILLS), "integer", label="",
        meaning="Data: integers whose every sum is exact, so that results must be equal; random "
        "numbers, held to bounds on the error; or ones."),
    Key("program", _choice("advised", "documented", "named"), "advised", label="",
        not_with="rejected",
        meaning="The program that deconform advises, or the call that the framework's "
        "documentation promises where a known defect makes another text the advice; all else is as "
        "advised. Or the one that says a crop by the framework's name for it, such as SAME, or by "
        "the output's size, where that is another text."),
    Key("matrix", MATRIX, {}, examples=({"stride": [1, 2], "crop": [0, [[1, 0]]]},),
        meaning="Values to sweep: one case for each combination, at most "
        f"{MAX_CASES_PER_ENTRY}. A key here takes the place of the case's own."),
    Key("output", OUTPUT, None, not_with="rejected",
        meaning="The output shape that the source promises, batch and channels included; the size "
        "law must agree."),
    Key("x", ARRAY, None,
        meaning="The source's own input, (n, c_in, *in_size), instead of generated data."),
    Key("w", ARRAY, None,
        meaning="The source's own weights, (c_in, c_out / groups, *kernel)."),
    Key("b", ARRAY, None, meaning="The source's own bias, (c_out)."),
    Key("y", ARRAY, None,
        meaning="The output that the source promises for its data, (n, c_out, *out_size)."),
    Key("rejected", FLAG, default=False,
        meaning="The configuration is illegal, and a framework passes by refusing it."),
    Key("says", SAYS, {},
        meaning="By framework, a part of the error with which it refuses a rejected case."),
)
SWEPT: Final[Sequence[str]] = [key.name for key in CASE.keys.values() if key.label is not None]

LIMITATIONS: Final = Place("limitations", "What frameworks are known to get wrong or to refuse.",
    Key("limitations", ENTRIES,
        meaning="One entry for each known limitation. An entry that concerns no case is an error."),
)

LIMITATION: Final = Place("limitation",
    "A record that it explains is KNOWN, and FIXED once it passes.",
    Key("id", TEXT, meaning="Name of the limitation, unique in the file."),
    Key("framework", FRAMEWORK, meaning="The framework concerned."),
    Key("cases", TEXTS, examples=(["rejects/groups/zero-?d", "*/float16/*"],),
        meaning="The cases concerned: one id or glob, or a list of them."),
    Key("checks", CHECKS, (), meaning="The checks concerned, all where it is left out."),
    Key("status", _choice(*(str(one) for one in Status if one.is_declarable)), "FAILED",
        meaning="The status that it explains."),
    Key("reason", TEXT,
        meaning="What happens and why, in a sentence; it is shown with every record."),
    Key("upstream", TEXT, "", meaning="Link to the framework's own issue."),
    Key("depends_on", TEXT, "",
        meaning="What else it takes, such as a processor's feature; without it a pass is only a "
        "pass."),
    Key("device", _choice("any", "cpu", "cuda"), "any",
        meaning="The device on which it was seen."),
    Key("when", CONDITIONS, None, examples=({"dtype": "float64", "dilation": "any above 1"},),
        meaning="What a layer is that it concerns, for an audit of layers that are no cases: a "
        "number, `above` one or `multiple of` one, of each axis or of `any`. Without it, none."),
)
IMPLEMENTATION: Final = Place("implementation",
    "Somebody's own code under test: how it is reached, and what it claims. Paths are relative to "
    "the file.",
    Key("name", COLUMN_NAME, examples=("mine",), meaning="The column's name in reports."),
    Key("python", TEXT, "", examples=("mypackage.kernels:conv_transpose",),
        meaning="A Python function, as module:function."),
    Key("library", TEXT, "", examples=("./libmine.so",),
        meaning="A shared library with the C function deconform_conv_transpose."),
    Key("command", WORDS, (), examples=(["ssh", "board", "./worker"],),
        meaning="A program that speaks the protocol on its standard input and output."),
    Key("onnx", WORDS, (), examples=(["./run", "{model}", "{inputs}", "{outputs}"],),
        meaning="A command, or a module:name, that is given an ONNX model and its inputs."),
    Key("weights", _choice("inputs", "initializers"), "inputs",
        meaning="Whether an ONNX model is given weights and bias as inputs, or holds them."),
    Key("interpreter", TEXT, "", examples=("./venv/bin/python",),
        meaning="The Python that runs it, deconform's own by default."),
    Key("gradient", TEXT, "", examples=("mypackage.kernels:conv_transpose_vjp",),
        meaning="The function that computes dx, dw and db: module:function, or a symbol of the "
        "library. Without it gradients are not claimed."),
    Key("speaks", TEXT, "canonical",
        meaning="In whose words it is called: canonical, with a crop, or a framework's."),
    Key("claims", MAPPING, None, meaning="What it promises; all, where this is left out."),
    Key("known", TEXT, "", examples=("known-failures.yaml",),
        meaning="A file of known failures, as limitations have it."),
)

CLAIMS: Final = Place("claims",
    "What an implementation promises: a promise is tested, the rest is UNSUPPORTED and counted.",
    Key("axes", AXES, (1, 2, 3), meaning="Numbers of spatial axes."),
    Key("dtypes", DTYPES, CLAIMED_DTYPES,
        meaning="Types of its arrays. `bfloat16` is claimed in words alone."),
    Key("stride", FLAG, default=True, meaning="Strides other than 1."),
    Key("dilation", FLAG, default=True, meaning="Dilations other than 1."),
    Key("groups", FLAG, default=True, meaning="More than one group."),
    Key("bias", FLAG, default=True, meaning="A bias."),
    Key("crop", _choice("none", "symmetric", "positive", "any"), "any",
        meaning="Crops: the same at both ends, different ones that are not negative, or any."),
    Key("gradients", FLAG, default=True, meaning="Gradients, where it has a function for them."),
    Key("rejects", FLAG, default=False, meaning="That it refuses illegal configurations."),
)

KNOWN: Final = Place("known failure", LIMITATION.meaning,
    *(Key(key.name, TEXT, "", meaning="The implementation's name, or left out.")
      if key.name == "framework" else key
      for key in LIMITATION.keys.values() if key.name != "when"),
)
# fmt: on
PLACES: Final = (SUITE, CASE, LIMITATIONS, LIMITATION)
