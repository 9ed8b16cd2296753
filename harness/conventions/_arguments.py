"""Arguments of a call bound to a form, and completed by what the user says beside the text."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from harness.conventions._forms import (
    NOTHING,
    NOWHERE,
    REQUIRED,
    Context,
    Form,
    Parameter,
    Reading,
    Supplied,
)
from harness.conventions._values import (
    comma,
    input_axes,
    integer,
    integers,
    shape_of,
    shown,
    weight_axes,
)
from harness.operator import Crop, Operator, OperatorError, PerAxis, Sizes, sizes
from harness.syntax.tree import Argument, Call, Name, SnippetError, Statement, Value, calls
from harness.training import SILENT, Training

_T = TypeVar("_T")


@dataclass(frozen=True)
class Arguments:
    """The arguments of one call, bound to the parameters of its form.

    Attributes
    ----------
    form : Form
    given : mapping
        Arguments by their parameter's name.
    call : Call
    supplied : Supplied
    application : tuple of Argument
        The arguments with which the layer that the call makes is called in its turn.
    assigned : mapping
        Values that the text gives to names before.
    context : Context
    statements : tuple of Statement
        The whole text: what it makes arrays of, and what it does to a layer afterwards.
    """

    form: Form
    given: Mapping[str, Argument]
    call: Call
    supplied: Supplied = NOTHING
    application: tuple[Argument, ...] = ()
    assigned: Mapping[str, Value] = field(default_factory=dict)
    context: Context = NOWHERE
    statements: tuple[Statement, ...] = ()

    @property
    def around(self) -> Iterator[Call]:
        """Every call in the text, such as those of ``with`` statements."""
        return (each for statement in self.statements for each in calls(statement.value))

    # What was written.

    def error(self, fact: str, name: str | None = None) -> SnippetError:
        """Make an error that points at an argument, or at the call."""
        return SnippetError(fact, self._column(name))

    def _column(self, name: str | None = None) -> int:
        given = self.given.get(name) if name else None
        return (given or self.call).column

    def value(self, name: str) -> Value:
        """Return what was given for a parameter, or its default."""
        if name in self.given:
            return self.given[name].value
        parameter = self.form.parameter(name)
        assert parameter is not None, name
        if parameter.default is REQUIRED:
            raise self.error(f"{self.form.name} needs {name}: {parameter.meaning}.")
        default: Value = parameter.default  # type: ignore[assignment]
        return default

    def known(self, name: str) -> Value:
        """Return what was given for a parameter, or its default, where the text holds it."""
        value = self.value(name)
        if isinstance(value, Name | Call):
            written = repr(value.text) if isinstance(value, Name) else shown(value)
            raise self.error(
                f"{name} is {written}, whose value the text does not hold: write it in its place.",
                name,
            )
        return value

    def has(self, name: str) -> bool:
        """Whether something other than ``None`` was given."""
        return name in self.given and self.given[name].value is not None

    def is_open(self, name: str) -> bool:
        """Whether a value is left to the input or the weights: absent, ``None`` or unknown."""
        value = self.given[name].value if name in self.given else None
        # A kernel (k, k) is as open as k; of (k, 1) the text holds a part, which must not be lost.
        values = value if isinstance(value, tuple) and value else (value,)
        return all(isinstance(each, Name | Call | None) for each in values)

    # What it is.

    def integer(self, name: str, *, least: int = 1) -> int:
        """Return an integer parameter."""
        value = integer(name, self.value(name), self._column(name))
        if value < least:
            raise self.error(f"{name} is {value}; it must be at least {least}.", name)
        return value

    def open_integer(self, name: str) -> int | None:
        """Return an integer parameter, or ``None`` where the text leaves it open."""
        self._check_given(name)
        return None if self.is_open(name) else self.integer(name)

    def _check_given(self, name: str) -> None:
        """Refuse a call without what its signature requires: no input makes up for that."""
        if name not in self.given:
            self.value(name)

    def per_axis(self, name: str, rank: int, *, least: int = 1) -> Sizes:
        """Return one integer per spatial axis; one integer in the text serves all."""
        value = self.value(name)
        if not isinstance(value, tuple):
            return (self.integer(name, least=least),) * rank
        found = integers(name, value, self._column(name))
        if len(found) == 1:
            found *= rank
        if len(found) != rank:
            raise self.error(
                f"{name} {list(found)} has {len(found)} numbers; "
                f"there are {rank} spatial axes: give one number, or {rank}.",
                name,
            )
        if min(found) < least:
            raise self.error(f"{name} {list(found)} must be at least {least} on every axis.", name)
        return found

    def open_per_axis(self, name: str) -> Sizes | None:
        """Return the kernel's sizes, with the form's rank or, where it has none, their own."""
        self._check_given(name)
        if self.is_open(name):
            return None
        rank = self.form.rank or self._rank_of(name)
        return self.per_axis(name, rank) if rank else None

    def flag(self, name: str) -> bool:
        """Return a truth value; 0 and 1 serve."""
        value = self.value(name)
        if isinstance(value, Name | Call):
            raise self.error(
                f"{name} must be True or False, found {shown(value)}, whose value the text does "
                "not hold: write it in its place.",
                name,
            )
        if value not in (True, False) or isinstance(value, float):
            raise self.error(f"{name} must be True or False, found {shown(value)}.", name)
        return bool(value)

    def real(self, name: str) -> float:
        """Return a number that need not be whole."""
        value = self.value(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(f"{name} must be a number, found {shown(value)}.", name)
        return float(value)

    def array_shape(self, name: str) -> Sizes | None:
        """Return the shape of an array parameter, where the text shows how the array is made."""
        value = self.given[name].value if name in self.given else None
        if isinstance(value, Name):
            value = self.assigned.get(value.text)
        return shape_of(value)

    def with_shapes(self, arrays: Mapping[str, Sizes]) -> Arguments:
        """Return the same with ``x.shape[1]`` and the like computed in every argument.

        Parameters
        ----------
        arrays : mapping
            Shapes, as the framework has them, by the parameters for which the arrays stand or,
            for what is no parameter, by the arrays' names.
        """
        from harness.syntax.python import fold  # noqa: PLC0415 -- few calls need it

        shapes = {}
        for name, shape in arrays.items():
            value = self.given[name].value if name in self.given else None
            if isinstance(value, Name):
                shapes[value.text] = shape
            elif self.form.parameter(name) is None:
                shapes[name] = shape
        given = {
            name: replace(argument, value=fold(argument.value, shapes, self.assigned))
            for name, argument in self.given.items()
        }
        return replace(self, given=given)

    def _rank_of(self, name: str) -> int | None:
        """The number of spatial axes that a sequence, the weights or the input show."""
        value = self.value(name)
        if isinstance(value, tuple):
            return len(value)
        for shape in (self.supplied.weight, self.supplied.input):
            if shape is not None:
                return len(shape) - 2
        raise self.error(
            f"{name} {shown(value)} is one number, and nothing says how many spatial axes there "
            "are: add --input, such as --input 1,64,16,16 for two."
        )

    # Where the text, the input and the weights come together.

    def channels_and_kernel(
        self,
        in_channels: int | None,
        out_channels: int | None,
        kernel: Sizes | None,
        groups: int,
        weight: Sizes | None = None,
    ) -> tuple[int, int, Sizes]:
        """Complete what the text leaves open.

        Parameters
        ----------
        in_channels, out_channels, kernel
            As the text has them; ``None`` where it does not.
        groups : int
        weight : tuple of int, optional
            Canonical shape of the weights, where the text shows it.

        Raises
        ------
        SnippetError
            Where something stays open, with what to add; or where two sources disagree.
        """
        if weight is not None and self.context.steps is not None:
            # What the text shows is the kernel with the zeros; --weight is the one without.
            pairs = zip(weight[2:], self.context.steps, strict=False)
            weight = (*weight[:2], *((extent - 1) // step + 1 for extent, step in pairs))
        spoken = [("the text", weight), ("--weight", self.supplied.weight)]
        shapes = [(who, shape) for who, shape in spoken if shape is not None]
        groups *= self.context.groups
        if out_channels is not None:
            out_channels *= self.context.groups
        if kernel is not None and self.context.steps is not None:
            pairs = zip(kernel, self.context.steps, strict=True)
            kernel = tuple((extent - 1) // step + 1 for extent, step in pairs)
        found_in = [("the text", in_channels)]
        found_out = [("the text", out_channels)]
        found_kernel = [("the text", kernel)]
        for who, shape in shapes:
            rank = self.form.rank or (len(kernel) if kernel else len(shape) - 2)
            if len(shape) != rank + 2:
                raise self.error(
                    f"{who} has weights {list(shape)} of {len(shape)} axes; {self.form.name} "
                    f"takes {rank + 2}: {weight_axes(rank)}."
                )
            found_in.append((who, shape[0]))
            found_out.append((who, shape[1] * groups))
            found_kernel.append((who, shape[2:]))
        if self.supplied.input is not None:
            found_in.append(("--input", self.supplied.input[1]))
        one_in = self._agreed("in_channels", found_in)
        one_out = self._agreed("out_channels", found_out)
        one_kernel = self._agreed("kernel", found_kernel)
        if one_in is None or one_out is None or one_kernel is None:
            raise self._what_is_open(one_in, one_out, one_kernel)
        return one_in, one_out, one_kernel

    def _agreed(self, what: str, found: Sequence[tuple[str, _T | None]]) -> _T | None:
        said = [(who, value) for who, value in found if value is not None]
        for who, value in said[1:]:
            if value != said[0][1]:
                raise self.error(
                    f"{what} is {shown(said[0][1])} in {said[0][0]} and {shown(value)} in {who}; "
                    "they must agree."
                )
        return said[0][1] if said else None

    def _what_is_open(
        self, in_channels: int | None, out_channels: int | None, kernel: Sizes | None
    ) -> SnippetError:
        rank = self.form.rank or (len(kernel) if kernel else 2)
        parts = {"in_channels": in_channels, "out_channels": out_channels, "kernel": kernel}
        missing = [what for what, value in parts.items() if value is None]
        fact = f"the text leaves {' and '.join(missing)} open: add "
        if missing == ["in_channels"]:
            shape = (1, 64, *(16,) * rank)
            return self.error(
                f"{fact}--input {comma(shape)} with your input's shape, {input_axes(rank)}"
                f"{self._or_a_line_above()}."
            )
        example = (in_channels or 64, out_channels or 32, *(kernel or (4,) * rank))
        return self.error(
            f"{fact}--weight {comma(example)} with your weights' shape, {weight_axes(rank)}"
            f"{self._or_a_line_above()}."
        )

    def _or_a_line_above(self) -> str:
        """Offer to give variables that stand for channels and kernel their values in the text."""
        meant = ("input channels", "output channels", "kernel")
        names = dict.fromkeys(
            variable
            for name, argument in self.given.items()
            if isinstance(argument.value, Name)
            and re.fullmatch(r"[\w\s*/+-]+", argument.value.text)
            and (parameter := self.form.parameter(name)) is not None
            and parameter.meaning.startswith(meant)
            for variable in re.findall(r"[^\W\d]\w*", argument.value.text)
        )
        values = " and ".join(f"{variable} = …" for variable in names)
        return f", or write {values} above it" if names else ""

    def in_size(self, asks: str) -> Sizes:
        """Return the input's spatial sizes; ``asks`` names what needs them."""
        shape = self.supplied.input
        if shape is not None:
            return shape[2:]
        rank = self.form.rank or 2
        raise self.error(
            f"{asks} chooses the output's size, which depends on the input's: add "
            f"--input {comma((1, 64, *(16,) * rank))} with your input's shape, {input_axes(rank)}."
        )

    def reading(
        self,
        channels_and_kernel: tuple[int, int, Sizes],
        *,
        stride: PerAxis = 1,
        dilation: PerAxis = 1,
        crop: Crop = 0,
        groups: int = 1,
        bias: bool = True,
        input: Sizes | None = None,  # noqa: A002 -- the contract's word
        training: Training = SILENT,
        notes: Sequence[str] = (),
        channels_last: bool = False,
    ) -> Reading:
        """Make the reading of a legal operator.

        Raises
        ------
        SnippetError
            If the definition does not allow the operator, or the input's axes do not fit.
        """
        in_channels, out_channels, kernel = channels_and_kernel
        if self.context.steps is not None:
            dilation = self.context.steps
        try:
            operator = Operator.of(
                in_channels,
                out_channels,
                kernel,
                stride=stride,
                dilation=dilation,
                crop=crop,
                groups=groups * self.context.groups,
                bias=bias,
            )
        except OperatorError as error:
            raise self.error(str(error)) from None
        shape = self.supplied.input or input
        if shape is not None:
            if len(shape) != operator.rank + 2:
                raise self.error(
                    f"the input {list(shape)} has {len(shape)} axes; {operator.rank + 2} are "
                    f"needed: {input_axes(operator.rank)}."
                )
            if fact := operator.explain(shape[2:]):
                raise self.error(fact)
        return Reading(
            self.form.name,
            operator,
            shape,
            training,
            (*notes, *self._ignored()),
            channels_last=channels_last,
        )

    def _ignored(self) -> list[str]:
        """Notes about what was given and says nothing about the operator."""
        return [
            f"{parameter.name}: {parameter.meaning}; not part of the operator."
            for parameter in self.form.parameters
            if parameter.ignored and parameter.name in self.given
        ]


def bind(
    form: Form,
    call: Call,
    supplied: Supplied,
    application: tuple[Argument, ...],
    assigned: Mapping[str, Value],
    context: Context = NOWHERE,
) -> Arguments:
    """Bind a call's arguments to a form's parameters.

    Raises
    ------
    SnippetError
        For an unknown, repeated or surplus argument, or one that the text does not show.
    """
    positional = [parameter for parameter in form.parameters if not parameter.keyword]
    given: dict[str, Argument] = {}
    arguments = _paired(form, call.arguments) if form.named_pairs else call.arguments
    for argument in arguments:
        if argument.name in {"*", "**"}:
            raise SnippetError(
                f"{argument.name} holds arguments that the text does not show: write them out.",
                argument.column,
            )
        if argument.name is None:
            if len(given) >= len(positional):
                raise SnippetError(
                    f"{form.name} takes at most {len(positional)} arguments by position.",
                    argument.column,
                )
            parameter: Parameter | None = positional[len(given)]
        else:
            parameter = form.parameter(argument.name)
        if parameter is None:
            raise SnippetError(_unknown(form, str(argument.name)), argument.column)
        if parameter.name in given:
            raise SnippetError(f"{parameter.name} is given twice.", argument.column)
        given[parameter.name] = argument
    return Arguments(form, given, call, supplied, application, assigned, context)


def _paired(form: Form, arguments: Sequence[Argument]) -> Iterator[Argument]:
    """Turn ``..., 'Stride', 4`` into an argument of that name."""
    names = iter(arguments)
    for argument in names:
        if argument.name is None and isinstance(argument.value, str):
            value = next(names, None)
            if value is None or value.name is not None:
                raise SnippetError(
                    f"{argument.value!r} has no value behind it: {form.name} takes names and "
                    "values in turns.",
                    argument.column,
                )
            yield Argument(argument.value, value.value, argument.column)
        else:
            yield argument


def _unknown(form: Form, name: str) -> str:
    known = [each for parameter in form.parameters for each in (parameter.name, *parameter.aliases)]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{form.name} has no parameter {name!r}.{hint} Known: {', '.join(known)}."


def output_crop(
    arguments: Arguments, operator: Operator, out_size: Sizes, begin: Callable[[int, int], int]
) -> tuple[tuple[int, int], ...]:
    """Return the crop that makes an output of ``out_size``.

    Parameters
    ----------
    operator : Operator
        Without its crop.
    begin : callable
        ``(axis, total) -> begin``: how much of the total the framework removes at the beginning.
    """
    in_size = arguments.in_size("the output size")
    if len(in_size) != operator.rank:
        raise arguments.error(
            f"the input has {len(in_size)} spatial axes, the kernel {sizes(operator.kernel)}."
        )
    totals = [full - out for full, out in zip(operator.full_size(in_size), out_size, strict=True)]
    begins = [begin(axis, total) for axis, total in enumerate(totals)]
    return tuple((b, total - b) for b, total in zip(begins, totals, strict=True))
