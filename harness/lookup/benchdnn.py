"""Read and write the problem descriptors of oneDNN's benchdnn.

This is a notation, not a framework: nothing runs in it.  Performance engineers share cases in it.

The facts are those of benchdnn's own parser,
https://github.com/uxlfoundation/oneDNN/blob/main/tests/benchdnn/deconv/deconv_aux.cpp, and of the
checks of the primitive, https://github.com/uxlfoundation/oneDNN/blob/main/src/common/deconvolution.cpp:
``ph`` is what the crop removes in front, and the output size determines the other end; dilations
count from 0.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self

from harness.core.errors import InputError
from harness.core.operators import Operator, Sizes
from harness.lookup import BENCHDNN

TITLE: Final = "oneDNN benchdnn"
DIRECTIONS: Final = ("FWD_B", "FWD_D", "FWD_I", "BWD_D", "BWD_W", "BWD_WB")
# benchdnn's defaults.
_DIRECTION, _BATCH, _DTYPE = "FWD_B", 2, "f32"

_AXES: Final = "dhw"
_QUANTITIES: Final = "ioksdp"
_KEYS: Final = ("g", "mb", "ic", "oc", *(q + axis for q in _QUANTITIES for axis in _AXES))
# Compiled by ``re`` when first used: most look-ups are of other texts.
_PAIR: Final = rf"({'|'.join(_KEYS)})(\d*)_?"
_MOST_DIGITS: Final = 18

_DTYPES: Final = {"f16": "float16", "bf16": "bfloat16", "f32": "float32", "f64": "float64"}
_WORDS: Final = {dtype: word for word, dtype in _DTYPES.items()}
_ALL_DTYPES: Final = "bf16|f8_e5m2|f8_e4m3|f16|f32|f64|s32|s8|u8"
_VALUED: Final = r"--([a-z][\w-]*)=(.*)"
_FLAG: Final = r"-v\d+|--help"


class BenchdnnError(InputError):
    """A text is not a benchdnn problem, or benchdnn cannot express a problem."""


@dataclass(frozen=True)
class Problem:
    """The problem of a benchdnn line."""

    operator: Operator  # It has a bias if the direction does
    batch: int
    in_size: Sizes
    # Types that NumPy lacks as benchdnn writes them, such as ``s8`` or ``u8:s8:f32``.
    dtype: str = "float32"
    name: str = ""
    direction: str = _DIRECTION  # One of ``DIRECTIONS``
    notes: tuple[str, ...] = field(default=(), compare=False)  # What reading filled in or ignored

    @classmethod
    def of(
        cls,
        operator: Operator,
        batch: int,
        in_size: Sizes,
        dtype: str = "float32",
        name: str = "",
        direction: str | None = None,
    ) -> Self:
        """Return the problem of an operator on an input: the forward pass, or another direction.

        >>> Problem.of(Operator.of(1, 2, (3,)), 1, (5,), direction="BWD_W").operator.bias
        False
        """
        direction = direction or ("FWD_B" if operator.bias else "FWD_D")
        return cls(
            replace(operator, bias=_has_bias(direction)), batch, in_size, dtype, name, direction
        )


def _has_bias(direction: str) -> bool:
    return direction in {"FWD_B", "BWD_WB"}


def read_problem(text: str) -> Problem:
    """Read a problem: a descriptor with the options before it.

    Parameters
    ----------
    text : str
        A command line of benchdnn, or a line of its input files.

    Raises
    ------
    BenchdnnError
        If it is not a deconvolution problem, or one that oneDNN refuses.
    OperatorError
        If its groups do not divide its channels.

    Examples
    --------
    >>> problem = read_problem('--deconv g2mb256oc96oh27ic256ih27kh5ph2n"alexnet:deconv2"')
    >>> problem.operator.descriptor, problem.batch, problem.in_size, problem.name
    ('ic256_oc96_k5x5_c2.2x2.2_g2_b', 256, (27, 27), 'alexnet:deconv2')
    """
    options, descriptor = _split(text)
    words, name = _pairs(descriptor)
    direction = _direction(options)
    operator, in_size = _operator(words, bias=_has_bias(direction))
    batch = _minibatch(options, words)
    notes = tuple(_notes(options, words, direction))
    return Problem(operator, batch, in_size, _dtype(options), name, direction, notes)


# The line: options, then the descriptor to which they apply.


def _split(text: str) -> tuple[dict[str, str], str]:
    """Split a line into its options, by name, and its descriptor."""
    arguments = [argument for argument in text.split() if argument != "\\"]
    programs = [
        index for index, argument in enumerate(arguments) if argument.rpartition("/")[2] == BENCHDNN
    ]
    options: dict[str, str] = {}
    descriptor = ""
    for argument in arguments[programs[0] + 1 if programs else 0 :]:
        if descriptor:
            is_option = argument.startswith("-")
            raise BenchdnnError(
                f"{_short(argument)} is after the problem descriptor, and benchdnn applies it only "
                "to later ones: move it in front."
                if is_option
                else f"{_short(argument)} is a second problem descriptor: give one at a time."
            )
        if not argument.lstrip("'\"").startswith("-"):
            descriptor = argument
        elif argument == "--reset":
            options.clear()
        elif argument != "--deconv":
            key, value = _option(argument)
            options[key] = value
    if not descriptor:
        raise BenchdnnError(
            "the text has no problem descriptor, such as mb1_ic3oc8_ih5oh11kh3sh2ph0."
        )
    return options, descriptor


def _option(argument: str) -> tuple[str, str]:
    argument = argument.strip("'\"")
    if match := re.fullmatch(_VALUED, argument, re.ASCII):
        if match[1] == "batch":
            raise BenchdnnError(
                f"{_short(argument)} names a file of problems: give one of its lines."
            )
        return match[1], match[2].strip("'\"")
    if re.fullmatch(_FLAG, argument, re.ASCII):
        return argument, ""
    raise BenchdnnError(
        f"{_short(argument)} is no option with a value, and no driver that is read here: a "
        "transposed convolution is --deconv."
    )


def _single(options: Mapping[str, str], key: str, default: str = "") -> str:
    value = options.get(key, "")
    if "," in value:
        raise BenchdnnError(
            f"--{key}={_short(value)} makes {value.count(',') + 1} problems of one: give one value."
        )
    return value or default


def _direction(options: Mapping[str, str]) -> str:
    direction = _single(options, "dir", _DIRECTION).upper()
    if direction not in DIRECTIONS:
        raise BenchdnnError(
            f"--dir={_short(direction)} is no direction of a deconvolution: use one of "
            f"{', '.join(DIRECTIONS)}."
        )
    return direction


def _dtype(options: Mapping[str, str]) -> str:
    """Read ``--dt``, or its predecessor ``--cfg``, which joins the three types."""
    word = _single(options, "dt", _DTYPE)
    if "dt" not in options and (config := _single(options, "cfg")):
        together = config.partition("_")[0]
        known = re.fullmatch(rf"(?:{_ALL_DTYPES})+", together)
        word = ":".join(re.findall(_ALL_DTYPES, together)) if known else config
    types = word.lower().split(":")
    if len(types) not in {1, 3} or not all(re.fullmatch(_ALL_DTYPES, each) for each in types):
        raise BenchdnnError(
            f"data type {_short(word)} is unknown: use one of {_ALL_DTYPES.replace('|', ', ')}, or "
            "three such as u8:s8:f32 for source, weights and destination."
        )
    word = types[0] if len(set(types)) == 1 else ":".join(types)
    return _DTYPES.get(word, word)


def _minibatch(options: Mapping[str, str], words: Mapping[str, int]) -> int:
    """``--mb`` wins over the descriptor, unless it is 0."""
    value = _single(options, "mb", "0")
    if not re.fullmatch(rf"\d{{1,{_MOST_DIGITS}}}", value, re.ASCII):
        raise BenchdnnError(f"--mb={_short(value)} is no number of at most {_MOST_DIGITS} digits.")
    return int(value) or words.get("mb", _BATCH)


def _notes(options: Mapping[str, str], words: Mapping[str, int], direction: str) -> Iterator[str]:
    if not options.get("dir"):
        yield f"without --dir benchdnn takes {_DIRECTION}: the forward pass, with a bias."
    if direction == "BWD_D":
        yield "BWD_D leaves open whether there is a bias; none is taken."
    if "mb" not in words and not options.get("mb", "").strip("0"):
        yield f"without mb benchdnn takes a batch of {_BATCH}."
    if (dtype := _dtype(options)) not in _WORDS:
        yield f"--dt={dtype}: only the operator is translated, not its arithmetic."
    for key, value in options.items():
        if key.startswith("attr-") and value:
            yield f"--{key}={value}: not part of the operator, and not translated."
    rest = [
        f"--{key}={value}" if value else key
        for key, value in options.items()
        if key not in {"dir", "dt", "cfg", "mb"} and not key.startswith("attr-")
    ]
    if rest:
        yield f"{' '.join(rest)}: how benchdnn runs it; not part of the operator."


# The descriptor: pairs of a key and a number.


def _pairs(descriptor: str) -> tuple[dict[str, int], str]:
    """Read the pairs, and the name after them."""
    words: dict[str, int] = {}
    at = 0
    while at < len(descriptor):
        if descriptor[at] == "n":
            return words, _checked_name(descriptor[at + 1 :].strip("'\""))
        match = re.compile(_PAIR, re.ASCII).match(descriptor, at)
        if not match:
            raise BenchdnnError(
                f"{_short(descriptor[at:])} in the problem descriptor is unknown: use "
                "g mb ic oc, i o k s p d with d h w, and n with a name at the end."
            )
        key, digits = match.groups()
        if not 1 <= len(digits) <= _MOST_DIGITS:
            raise BenchdnnError(
                f"{key} is followed by {_short(descriptor[match.start(2) :])}: give it a number of "
                f"1 to {_MOST_DIGITS} digits; none can be negative."
            )
        if words.setdefault(key, int(digits)) != int(digits):
            raise BenchdnnError(f"{key} is given twice, {words[key]} and {int(digits)}: keep one.")
        at = match.end()
    return words, ""


def _checked_name(name: str) -> str:
    if re.search(r"[\s\"'\\]", name):
        raise BenchdnnError(
            f"the name {_short(name)} has a blank, a quote or a backslash, which ends it in a "
            "shell: choose another."
        )
    return name


def _operator(words: Mapping[str, int], *, bias: bool) -> tuple[Operator, Sizes]:
    for key in ("ic", "oc"):
        _required(key, words)
    # The spatial axes for which the descriptor gives anything but defaults.
    own = {key[-1] for key, value in words.items() if key[-1] in _AXES and value != (key[0] == "s")}
    axes = _propagated(words, {axis: _Axis.of(axis, words) for axis in _AXES if axis in own})
    operator = Operator.of(
        words["ic"],
        words["oc"],
        [axis.kernel for axis in axes],
        stride=[axis.stride for axis in axes],
        dilation=[axis.dilation for axis in axes],
        crop=[(axis.begin, axis.end) for axis in axes],
        groups=words.get("g", 1),
        bias=bias,
    )
    return operator, tuple(axis.size for axis in axes)


def _required(key: str, words: Mapping[str, int]) -> int:
    """Return a required value; benchdnn writes a missing one as 0."""
    if not words.get(key):
        raise BenchdnnError(
            f"{key} is {'0' if key in words else 'missing'} in the problem descriptor: give {key}, "
            "at least 1."
        )
    return words[key]


@dataclass(frozen=True)
class _Axis:
    """One spatial axis, complete."""

    size: int
    kernel: int
    stride: int
    dilation: int
    begin: int
    end: int

    @classmethod
    def of(cls, axis: str, words: Mapping[str, int]) -> Self:
        """Fill in the output, or the padding, as benchdnn does."""
        size, kernel = _required(f"i{axis}", words), _required(f"k{axis}", words)
        stride = _required(f"s{axis}", {f"s{axis}": 1, **words})
        dilation = words.get(f"d{axis}", 0) + 1
        full = (size - 1) * stride + dilation * (kernel - 1) + 1
        arithmetic = f"{full} = ({size}-1)*{stride} + {dilation}*({kernel}-1) + 1"
        begin, out = words.get(f"p{axis}"), words.get(f"o{axis}", 0)
        if not out:
            begin = begin or 0
            out = full - 2 * begin
            if out < 1:
                raise BenchdnnError(
                    f"without o{axis} it would be {out}: full {arithmetic}, less p{axis}{begin} at "
                    f"both ends. Give o{axis}, or less padding."
                )
        elif begin is None:
            rest = full - out
            begin = rest // 2 if rest > 0 else -(-rest // 2)  # C's division: towards 0.
        filled = cls(size, kernel, stride, dilation, begin, full - out - begin)
        if filled.begin < 0 or filled.end <= -stride:
            most = full - max(begin, 0) + stride - 1
            raise BenchdnnError(
                f"o{axis}{out} contradicts the rest: full {arithmetic} leaves a padding of {begin} "
                f"and, on the right, {filled.end} = {full} - {out} - {begin}; oneDNN takes none "
                f"below 0 and, on the right, none below {1 - stride}. "
                f"Use p{axis}{max(begin, 0)} with at most o{axis}{most}."
            )
        return filled


def _propagated(words: Mapping[str, int], axes: Mapping[str, _Axis]) -> Sequence[_Axis]:
    """Apply depth to all axes, or height to width, if those are missing: cubes and squares."""
    if set(axes) in ({"d", "h"}, {"d", "w"}):
        raise BenchdnnError(
            f"the problem descriptor says {' and '.join(sorted(axes))} of d, h and w: give all "
            "three axes, or d alone for a cube."
        )
    if not axes:
        raise BenchdnnError("the problem descriptor has no spatial axis: give at least iw and kw.")
    first = min(axes)  # The letters are in order.
    taken = axes[first]
    values = {"s": taken.stride, "p": taken.begin, "d": taken.dilation - 1}
    needed = _AXES[_AXES.index(first) :]
    # An explicit default, such as pw0, that a square's other value would override.
    for axis, (quantity, value) in itertools.product(needed, values.items()):
        if axis not in axes and words.get(quantity + axis, value) != value:
            raise BenchdnnError(
                f"{quantity}{axis}{words[quantity + axis]} is given without i{axis} and k{axis}, "
                f"so benchdnn makes {axis} like {first}, with {quantity}{axis}{value}: "
                f"give i{axis} and k{axis}, or leave {quantity}{axis} out."
            )
    return [axes.get(axis, taken) for axis in needed]


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


# Writing.


def write_problem(problem: Problem) -> str:
    """Write a problem as a canonical line of benchdnn, with every size.

    Returns
    -------
    str
        Arguments for ``benchdnn``, from which :func:`read_problem` returns the problem.

    Raises
    ------
    BenchdnnError
        With the reason, if benchdnn or oneDNN cannot express it.

    Examples
    --------
    >>> operator = Operator.of(4, 6, (3, 2), stride=2, crop=((1, 0), (0, -1)))
    >>> write_problem(Problem.of(operator, 1, (5, 7)))
    '--deconv --dir=FWD_B --dt=f32 mb1ic4ih5iw7oc6oh10ow15kh3kw2sh2sw2ph1pw0dh0dw0'
    """
    operator = problem.operator
    if problem.direction not in DIRECTIONS or operator.bias != _has_bias(problem.direction):
        raise BenchdnnError(
            f"direction {problem.direction!r} does not fit an operator "
            f"{'with' if operator.bias else 'without'} bias: use one of {', '.join(DIRECTIONS)}; "
            "FWD_B and BWD_WB have a bias."
        )
    if facts := list(operator.violations() or _inexpressible(problem)):
        raise BenchdnnError(" ".join(facts))
    # g1 would add an axis for groups to the weights.
    words = [f"g{operator.groups}"] if operator.groups != 1 else []
    words += [f"mb{problem.batch}ic{operator.in_channels}", _per_axis("i", problem.in_size)]
    words += [f"oc{operator.out_channels}", _per_axis("o", operator.out_size(problem.in_size))]
    words += [_per_axis("k", operator.kernel), _per_axis("s", operator.stride)]
    words += [_per_axis("p", [begin for begin, _ in operator.crop])]
    words += [_per_axis("d", [dilation - 1 for dilation in operator.dilation])]
    words += [f'n"{_checked_name(problem.name)}"'] if problem.name else []
    dtype = _WORDS.get(problem.dtype, problem.dtype)
    return f"--deconv --dir={problem.direction} --dt={dtype} {''.join(words)}"


def _per_axis(quantity: str, values: Sequence[int]) -> str:
    axes = zip(_AXES[-len(values) :], values, strict=True)
    return "".join(f"{quantity}{axis}{value}" for axis, value in axes)


def _inexpressible(problem: Problem) -> Iterator[str]:
    """Yield what benchdnn cannot express of a legal operator."""
    operator, outs = problem.operator, problem.operator.out_size(problem.in_size)
    letters = _AXES[-operator.rank :]
    rows = zip(letters, problem.in_size, outs, operator.stride, operator.crop, strict=True)
    for axis, size, out, stride, (begin, end) in rows:
        for key, value in ((f"i{axis}", size), (f"o{axis}", out)):
            if value < 1:
                yield f"{key} would be {value}, and benchdnn has no word for less than 1."
        if begin < 0:
            yield (
                f"the crop begins with {begin}, and p{axis} cannot be negative: extend the output "
                "of a problem with crop 0 there."
            )
        if end <= -stride:
            yield (
                f"the crop ends with {end}, and oneDNN takes no right padding below {1 - stride} "
                f"with s{axis}{stride}: extend the output of a problem with {1 - stride} there."
            )
