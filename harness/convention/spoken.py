"""A framework's words for a function that is not the framework's: somebody's implementation.

It is called with NumPy arrays, as the framework's own function is with the framework's.  What the
words cannot say stands in NumPy after the call, as it does in the framework's own programs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from harness.convention.text import (
    Crops,
    CropSplit,
    because,
    extended,
    extends,
    kept,
    lines,
    tuple_of,
)
from harness.core.program import Program, Section, Unsupported

_AS_OURS: Final = "{}"


class Layout(NamedTuple):
    """How a convention lays out its arrays: NumPy expressions of one array, there and back."""

    x: str = _AS_OURS  # From NCHW
    x_back: str = _AS_OURS
    w: str = _AS_OURS  # From IOHW
    w_back: str = _AS_OURS

    @classmethod
    def of(cls, x: Sequence[int], w: Sequence[int]) -> Layout:
        """Return the layout that two permutations of our axes make.

        >>> Layout.of((0, 2, 1), (2, 1, 0)).x_back
        '{}.transpose(0, 2, 1)'
        """
        return cls(*(_transposed(axes) for order in (x, w) for axes in (order, _inverse(order))))


def _transposed(axes: Sequence[int]) -> str:
    return f"{{}}.transpose({', '.join(map(str, axes))})"


def _inverse(axes: Sequence[int]) -> list[int]:
    return sorted(range(len(axes)), key=axes.__getitem__)


class Spoken(NamedTuple):
    """One operator in a framework's words.

    Attributes
    ----------
    split : CropSplit
        What the words say of the crop, and what is left for lines after the call.
    words : mapping of str to str
        The arguments after the arrays, in order, as Python's text.  They may use the input: ``x``,
        or ``x_`` in another layout than ours.
    by_position : bool
        Whether the words are given by position, not by name.
    reason : str, optional
        Why it takes more than one call.
    no_bias : str
        What is given in place of a bias; nothing if the call takes none.
    layout : Layout
    calls : int
        How many calls it takes, each with an equal part of the channels.
    """

    split: CropSplit
    words: Mapping[str, str]
    by_position: bool = False
    reason: str | None = None
    no_bias: str = "None"
    layout: Layout = Layout()
    calls: int = 1

    @property
    def arguments(self) -> str:
        """The words as they stand in the call, after the arrays."""
        return ", ".join(
            value if self.by_position else f"{name}={value}" for name, value in self.words.items()
        )

    def values(self, x_shape: Sequence[int]) -> dict[str, Any]:
        """Return the words as JSON has them, given the input's shape in the framework's layout."""
        import json  # noqa: PLC0415 -- look-ups do not need it

        x = SimpleNamespace(shape=tuple(x_shape))
        # The text is our own, made of validated numbers.
        words = {
            name: eval(value, {"x": x, "x_": x})  # noqa: S307
            for name, value in self.words.items()
        }
        as_json: dict[str, Any] = json.loads(json.dumps(words))
        return as_json

    def sent(self) -> dict[str, Any] | Unsupported:
        """Return the words as JSON has them, if they are all that must be sent with our arrays."""
        reasons = because(
            self.reason,
            "its arrays have another layout" if self.layout != Layout() else None,
            "they have no bias" if self._has_late_bias else None,
            "they say the output's size, which depends on the input's"
            if any(".shape" in value for value in self.words.values())
            else None,
        )
        return Unsupported("; ".join(reasons)) if reasons else self.values(())

    def program(self, function: str, gradient: str | None = None) -> Program:
        """Write the program that calls ``function``, and ``gradient`` if there is one.

        ``function(x, w, b, WORDS)`` returns y, and ``gradient(dy, x, w, WORDS)`` returns dx, dw and
        db; db may be left out where the words have no bias.  The setup imports what these lines
        need; the import of the functions is the caller's to add.
        """
        forward = self._forward(function)
        backward = self._backward(gradient) if gradient else Section("", "", "")
        texts = [text for section in (forward, backward) for text in vars(section).values()]
        return Program(
            setup="import numpy as np" if any("np." in text for text in texts) else "",
            forward=forward,
            gradient=backward,
            reason=self.reason,
            gradient_alone=True,
        )

    @property
    def _rank(self) -> int:
        return self.split.operator.rank

    @property
    def _has_own_bias(self) -> bool:
        return bool(self.no_bias) and self.split.own_bias

    @property
    def _has_late_bias(self) -> bool:
        return self.split.operator.bias and not self._has_own_bias

    def _forward(self, function: str) -> Section:
        bias = "b" if self._has_own_bias else self.no_bias
        call = self._call(function, map(self._held, ("x", "w")), bias)
        to_native = lines(*map(self._to_native, ("x", "w")))
        if self._is_ours("y") and not self.split.has_rest and not self._has_late_bias:
            return Section(to_native, f"y = {call}", "")
        # Under its own name at once, so that whoever runs this knows what the function returned.
        ones = ", 1" * self._rank
        return Section(
            to_native,
            f"y = {call}",
            lines(
                f"y = {_cropped(self._from_native('y'), self.split.rest)}",
                f"y = y + b.reshape(-1{ones})" if self._has_late_bias else None,
            ),
        )

    def _backward(self, gradient: str) -> Section:
        """Write the gradients: ``dy`` first goes back through the lines after the call."""
        dy = _cropped("dy", [(-begin, -end) for begin, end in self.split.rest])
        held = [self._held("dy") if dy == "dy" else "dy_", self._held("x"), self._held("w")]
        call = self._call(gradient, held)
        returned = f"dx, dw, {'db' if self._has_own_bias else '*_'}"
        axes = tuple_of((0, *range(2, 2 + self._rank)))
        return Section(
            lines(self._to_native("dy", dy), *map(self._to_native, ("x", "w"))),
            f"{returned} = {call if self.calls == 1 else f'map(list, zip(*{call}))'}",
            lines(
                *(
                    f"{name} = {self._from_native(name)}"
                    for name in ("dx", "dw")
                    if not self._is_ours(name)
                ),
                f"db = dy.sum({axes})" if self._has_late_bias else None,
            ),
        )

    def _call(self, function: str, arrays: Iterable[str], bias: str = "") -> str:
        names = ", ".join(arrays)
        call = f"{function}({', '.join(filter(None, [names, bias, self.arguments]))})"
        return call if self.calls == 1 else f"[{call} for {names} in zip({names})]"

    def _layout_of(self, array: str) -> tuple[str, str, int]:
        """Return an array's layout, there and back, and the axis along which calls divide it."""
        layout = self.layout
        return (layout.w, layout.w_back, 0) if "w" in array else (layout.x, layout.x_back, 1)

    def _is_ours(self, array: str) -> bool:
        return self.calls == 1 and self._layout_of(array)[0] == _AS_OURS

    def _held(self, array: str) -> str:
        """Return the name of an array in the framework's layout."""
        return array if self._is_ours(array) else f"{array}_"

    def _to_native(self, array: str, source: str = "") -> str:
        source = source or array
        if self._is_ours(array) and source == array:
            return ""
        there, _, axis = self._layout_of(array)
        if self.calls == 1:
            return f"{array}_ = np.ascontiguousarray({there.format(source)})"
        each = f"np.ascontiguousarray({there.format('part')})"
        return f"{array}_ = [{each} for part in np.split({source}, {self.calls}, axis={axis})]"

    def _from_native(self, array: str) -> str:
        _, back, axis = self._layout_of(array)
        if self.calls == 1:
            return back.format(f"np.asarray({array})")
        each = back.format("np.asarray(part)")
        return f"np.concatenate([{each} for part in {array}], axis={axis})"


def _cropped(array: str, crop: Crops) -> str:
    """Write an array, in our layout, without its crop; a negative crop adds zeros."""
    pads = [(0, 0), (0, 0), *extended(crop)]
    padded = f"np.pad({array}, {pads})" if extends(crop) else array
    return f"{padded}{kept(crop)}" if any(side > 0 for pair in crop for side in pair) else padded
