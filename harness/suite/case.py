"""Cases: an operator with an input size, a dtype and data, under a name.

Data is derived from the case's descriptor alone, so that a descriptor reproduces a case on any
machine, with any version of NumPy.
"""

from __future__ import annotations

import importlib
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from harness.core.operators import Operator, OperatorError, Sizes, operator_from_words, sizes
from harness.records.check import Check

MAX_ELEMENTS: Final = 2**28
FILLS: Final = ("integer", "random", "ones")

# Integers up to 2 ** bits are exact, and so is every sum of integers that stays below it.
SIGNIFICANT_BITS: Final = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
_DTYPE_WORDS: Final = {
    "f16": "float16",
    "bf16": "bfloat16",
    "f32": "float32",
    "f64": "float64",
}
# What an implementation computes that says nothing of dtypes.
CLAIMED_DTYPES: Final = ("float16", "float32", "float64")
# What adds a dtype to NumPy, which has it then under its own name.
_ADDED_BY: Final = {"bfloat16": "ml_dtypes"}


@dataclass(frozen=True, eq=False)
class Case:
    """One operator on one input, as a suite lists it.

    Attributes
    ----------
    id : str
        ``suite/name``, unique in a run.
    suite : str
    operator : Operator
        Legal, unless ``rejected``.
    batch : int
    in_size : tuple of int
    dtype : {"float32", "float16", "bfloat16", "float64"}
    fill : {"integer", "random", "ones"}
    given : mapping of str to array
        Data that the source states: any of ``x``, ``w``, ``b``; also ``y``, the output it promises.
    rejected : bool
        The configuration is illegal; a framework passes by refusing it.
    says : mapping of str to str
        For a rejected case, a part of each framework's own words.
    documented : bool
        Run the call that the framework's documentation promises, even if a known defect makes
        another text the right advice.
    named : bool
        Run the program that gives a crop by the framework's name for it, such as SAME.
    source, note, file, line
        Where the case comes from, and where it is written.
    """

    id: str
    suite: str
    operator: Operator
    batch: int
    in_size: Sizes
    dtype: str = "float32"
    fill: str = "integer"
    given: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    rejected: bool = False
    says: Mapping[str, str] = field(default_factory=dict)
    documented: bool = False
    named: bool = False
    source: str = ""
    note: str = ""
    file: str = ""
    line: int = 0

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The checks that make this case's records."""
        if self.rejected:
            return (Check.REFUSAL,)
        left_out = {Check.REFUSAL} if self.operator.bias else {Check.REFUSAL, Check.GRAD_B}
        return tuple(check for check in Check if check not in left_out)

    @property
    def out_shape(self) -> Sizes:
        """Shape of ``y``."""
        return (self.batch, self.operator.out_channels, *self.operator.out_size(self.in_size))

    @cached_property
    def descriptor(self) -> str:
        """The case as one word, but for given data; :func:`case_from_descriptor` reads it."""
        words = [self.operator.descriptor, f"n{self.batch}", f"i{sizes(self.in_size)}"]
        words += [word for word, dtype in _DTYPE_WORDS.items() if dtype == self.dtype != "float32"]
        words += [self.fill] if self.fill != "integer" else []
        words += ["documented"] if self.documented else []
        words += ["named"] if self.named else []
        return "_".join(words)

    @property
    def shapes(self) -> dict[str, Sizes]:
        """Shapes of ``x``, ``w``, ``b`` (with bias) and ``dy`` (unless rejected)."""
        shapes = {
            "x": (self.batch, self.operator.in_channels, *self.in_size),
            "w": self.operator.weight_shape,
        }
        if self.operator.bias:
            shapes["b"] = (self.operator.out_channels,)
        if not self.rejected:
            shapes["dy"] = self.out_shape
        return shapes

    @property
    def terms(self) -> int:
        """How many products the longest sum has: of ``y``, ``dx`` or ``dw``."""
        taps, groups = math.prod(self.operator.kernel), max(self.operator.groups, 1)
        channels = max(self.operator.in_channels, self.operator.out_channels) // groups
        return max(channels * taps, self.batch * math.prod(self.in_size), 1)

    @property
    def labels(self) -> dict[str, Any]:
        """What every line of a report says of its case."""
        return {
            "case": self.id,
            "suite": self.suite,
            "descriptor": self.descriptor,
            "file": self.file,
            "line": self.line,
        }

    @property
    def reproducible(self) -> str:
        """What ``deconform reproduce`` takes: the descriptor or, with given data, the id."""
        return self.id if self.given else self.descriptor

    def data(self) -> dict[str, npt.NDArray[Any]]:
        """Make ``x``, ``w``, ``b`` (with bias) and ``dy`` (unless rejected).

        Raises
        ------
        OperatorError
            If no integers are small enough to be exact in the dtype, or NumPy lacks it here.
        """
        if lacking := lacking_package(self.dtype):
            raise OperatorError(lacking)
        seed = zlib.crc32(self.descriptor.encode())
        arrays = {
            name: self._array(name, shape, seed + number)
            for number, (name, shape) in enumerate(self.shapes.items())
        }
        return arrays | {
            name: array.astype(self.dtype) for name, array in self.given.items() if name != "y"
        }

    def _array(self, name: str, shape: Sizes, seed: int) -> npt.NDArray[Any]:
        if self.fill == "ones":
            return np.ones(shape, self.dtype)
        if self.fill == "random":
            return (_bits(seed, shape) / 2.0**63 - 1.0).astype(self.dtype)
        magnitude = exact_magnitude(self)
        if name == "b":
            magnitude = max(magnitude, _bias_magnitude(self.operator))
        return _integers(shape, seed, magnitude).astype(self.dtype)


def lacking_package(dtype: str) -> str:
    """Import what adds a dtype to NumPy; return why that cannot be, or nothing.

    >>> lacking_package("float16")
    ''
    """
    package = _ADDED_BY.get(dtype)
    try:
        if package is not None:
            importlib.import_module(package)
    except ImportError:
        return f"NumPy has no {dtype} without the package {package}: pip install {package}."
    return ""


def _bits(seed: int, shape: Sizes) -> npt.NDArray[np.uint64]:
    """Raw bits of a bit generator, which never change; streams of distributions may (NEP 19)."""
    return np.random.PCG64(seed).random_raw(math.prod(shape)).reshape(shape)


def _integers(shape: Sizes, seed: int, magnitude: int) -> npt.NDArray[np.int64]:
    """Integers in ``[-magnitude, magnitude]`` but 0; all distinct where there are enough."""
    candidates = np.concatenate([np.arange(-magnitude, 0), np.arange(1, magnitude + 1)])
    size = math.prod(shape)
    if size <= len(candidates):
        order = np.argsort(_bits(seed, candidates.shape), kind="stable")
        return np.asarray(candidates[order[:size]], np.int64).reshape(shape)
    chosen = (_bits(seed, shape) >> np.uint64(33)) % np.uint64(len(candidates))
    return np.asarray(candidates[chosen], np.int64)


def _bias_magnitude(operator: Operator) -> int:
    """The smallest magnitude that gives every output channel a different bias."""
    return (operator.out_channels + 1) // 2


def check_sizes(case: Case) -> None:
    """Raise :class:`OperatorError` where an array is impossible, or too large to be intended."""
    for name, shape in (*case.shapes.items(), *_canvas(case)):
        name = name.removeprefix("d")  # noqa: PLW2901 -- dy has the shape of y, which people know
        if min(shape) < 0 and name != "y":
            raise OperatorError(f"{name} cannot have the shape {list(shape)}.")
        if (elements := math.prod(shape)) > MAX_ELEMENTS:
            raise OperatorError(
                f"{name} has shape {list(shape)}, {elements} elements; {MAX_ELEMENTS} are allowed."
            )


def _canvas(case: Case) -> Iterator[tuple[str, Sizes]]:
    """The full output with what a negative crop adds, on which the reference works."""
    if not case.rejected:
        full = case.operator.full_size(case.in_size)
        added = (max(-begin, 0) + max(-end, 0) for begin, end in case.operator.crop)
        extents = (max(f, 0) + a for f, a in zip(full, added, strict=True))
        yield "the full output", (case.batch, case.operator.out_channels, *extents)


def exact_magnitude(case: Case) -> int:
    """Return the largest ``m <= 9`` for which integers in ``[-m, m]`` keep every sum exact.

    The sums are those of ``y``, ``dx`` and ``dw``: of products of two such integers over input
    channels and taps, output channels and taps, batch and positions.
    """
    operator, terms = case.operator, case.terms
    outputs = case.batch * math.prod(max(0, size) for size in operator.out_size(case.in_size))
    limit = 2 ** SIGNIFICANT_BITS[case.dtype]
    bias = _bias_magnitude(operator) if operator.bias else 0
    for magnitude in range(9, 0, -1):
        largest = magnitude * magnitude * terms + max(magnitude, bias)
        if max(largest, magnitude * outputs * operator.bias) <= limit:
            return magnitude
    raise OperatorError(
        f"a sum of {terms} products is not exact in {case.dtype} (limit {limit}): "
        "use fill: random, a wider dtype or fewer channels."
    )


def case_from_descriptor(descriptor: str) -> Case:
    """Read a case's descriptor back.

    >>> case = case_from_descriptor("ic2_oc3_k3_s2_b_n1_i5_f64")
    >>> case.out_shape, case.dtype, case.descriptor
    ((1, 3, 11), 'float64', 'ic2_oc3_k3_s2_b_n1_i5_f64')
    """
    operator_words: list[str] = []
    options: dict[str, Any] = {}
    for word in descriptor.split("_"):
        before = len(options)
        if word in _DTYPE_WORDS:
            options["dtype"] = _DTYPE_WORDS[word]
        elif word in FILLS:
            options["fill"] = word
        elif word in ("documented", "named"):
            options[word] = True
        elif re.fullmatch(r"n\d{1,18}", word, re.ASCII):
            options["batch"] = int(word[1:])
        elif re.fullmatch(r"i\d{1,18}(x\d{1,18})*", word, re.ASCII):
            options["in_size"] = tuple(int(size) for size in word[1:].split("x"))
        else:
            operator_words.append(word)
            continue
        if len(options) == before:
            raise OperatorError(f"descriptor word {word!r} is repeated.")
    illegal = operator_from_words(operator_words, illegal=True)
    in_size = options.setdefault("in_size", ())
    options.setdefault("batch", 1)
    if len(in_size) != illegal.rank:
        raise OperatorError(
            f"descriptor {descriptor!r} has an input of {len(in_size)} axes and a kernel of "
            f"{illegal.rank}: end it with the batch and the input size, such as "
            f"_n1_i{sizes((8,) * illegal.rank)}."
        )
    rejected = bool(illegal.violations()) or illegal.explain(in_size) is not None
    case = Case(
        id=descriptor,
        suite="descriptor",
        operator=illegal if rejected else operator_from_words(operator_words),
        rejected=rejected,
        **options,
    )
    check_sizes(case)
    return case
