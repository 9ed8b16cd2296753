"""A call's arguments, completed by the user's shapes and by the text around the call."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self, TypeAlias, TypeVar

from harness.convention.assumptions import assumed_notes, recomputed_notes
from harness.convention.binding import BoundCall, bound, is_signature
from harness.convention.reading import NOTHING, Reading, Supplied
from harness.convention.signature import Parameter, Signature
from harness.convention.values import (
    input_axes,
    shape_in_part,
    shape_of,
    shown,
    sizes_of,
    to_channels_first,
    weight_axes,
)
from harness.core.errors import Ask, Sentence, asked, named
from harness.core.operators import Crop, Operator, OperatorError, PerAxis, Sizes, sizes
from harness.core.training import SILENT, Training
from harness.syntax.callsite import Application, CallSite
from harness.syntax.tree import Argument, Call, Either, Name, OpenError, Reference, Value

Pairs: TypeAlias = tuple[tuple[int, int], ...]
_T = TypeVar("_T")

_CHANNELS_SECOND: Final = "The input's shape has its channels second"
_PLAIN: Final = re.compile(r"[\w.]+")
_WORD: Final = re.compile(r"(?<!\w)[^\W\d]\w*")
# Not variables: keywords, and MATLAB's constants.
_NO_VARIABLES: Final = {*keyword.kwlist, "j", "Inf", "inf", "NaN", "nan", "pi", "eps"}


@dataclass(frozen=True, repr=False, eq=False)
class Arguments(BoundCall):
    """The arguments of one call, and where to find what they leave open."""

    supplied: Supplied = NOTHING  # The shapes that the user gives
    assumed: tuple[str, ...] = ()  # Notes on values that the text does not hold

    def with_input_in_text(self, *, channels_last: bool = False) -> Self:
        """Return the same with the input's shape from the text, where it shows it whole."""
        shape = shape_of(self.input_in_text)
        if self.supplied.input is not None or shape is None:
            return self
        if not 3 <= len(shape) <= 5 or (self.form.rank or len(shape) - 2) != len(shape) - 2:
            return self
        shape = to_channels_first(shape) if channels_last else shape
        supplied = replace(self.supplied, input=shape, is_in_text=True)
        return replace(self, supplied=supplied).with_sizes_of_shapes()

    def computed_with_shapes(self, value: Value) -> Value:
        """Compute a value of the layer's call that uses shapes of the text's arrays."""
        from harness.syntax.shapes import fold  # noqa: PLC0415 -- few calls need it

        statement = self.site.applied.statement if self.site.applied else self.site.statement
        shapes = {name: shape_of(each) for name, each in statement.assigned.items()}
        return fold(value, {name: shape for name, shape in shapes.items() if shape}, {})

    def with_sizes_of_shapes(self) -> Self:
        """Return the same with names computed that stand for sizes that the user's shapes have.

        ``groups=c`` next to ``in_channels=c`` is known by the input's shape.
        """
        weight, shape = self.supplied.weight, self.supplied.input
        channels = weight[0] if weight else shape[1] if shape else None
        extents = {*weight[2:]} if weight else set[int]()
        sizes = {"in_channels": channels, "kernel": extents.pop() if len(extents) == 1 else None}
        roles = {name: parameter.role for name, parameter in self._parameters() if parameter.role}
        if "kernel" not in roles.values():
            return self  # Where it may be left out, the others may stand for something else.
        known: dict[str, Value] = {
            argument.value.text: size
            for name, argument in self.given.items()
            if (size := sizes.get(roles.get(name, ""))) and isinstance(argument.value, Name)
        }
        if not known:
            return self
        from harness.syntax.shapes import fold  # noqa: PLC0415 -- few calls need it

        given = {
            # A form says what a lone name stands for there, such as all axes of a kernel.
            name: each
            if name in roles and isinstance(each.value, Name) and each.value.text in known
            else replace(each, value=fold(each.value, {}, known))
            for name, each in self.given.items()
        }
        return replace(self, given=given)

    def _parameters(self) -> Iterator[tuple[str, Parameter]]:
        for name in self.given:
            if parameter := self.form.parameter(name):
                yield name, parameter

    def open_per_axis(self, name: str) -> Sizes | None:
        """Return the kernel's sizes, with the form's rank or, where it has none, their own."""
        self.check_given(name)
        if self.is_open(name):
            return None
        rank = self.form.rank or self._rank_of(name)
        return self.per_axis(name, rank) if rank else None

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
            "are: "
            + asked(Ask.INPUT_SHAPE)
            + ", such as "
            + named(Ask.INPUT_SHAPE, (1, 64, 16, 16))
            + " for two."
        )

    def in_size(self, asks: str) -> Sizes:
        """Return the input's spatial sizes; ``asks`` names what needs them."""
        shape = self.supplied.input
        if shape is not None:
            return shape[2:]
        rank = self.form.rank or 2
        raise self.error(
            f"{asks} chooses the output's size, which depends on the input's: "
            + asked(Ask.INPUT_SHAPE, (1, 64, *(16,) * rank))
            + f" with your input's shape, {input_axes(rank)}."
        )

    @property
    def written(self) -> Mapping[str, Argument]:
        """The arguments as they stand in the text, without the values that a user gives."""
        return bound(self.form, self.call, is_printed=is_signature(self.form, self.site))

    # Channels and kernel.

    def array_shape_in_part(self, name: str) -> tuple[Value, ...]:
        """Return what the text shows of an array's shape, with the values that the user gives."""
        shape = shape_in_part(self.array(name))
        if not shape or not self.supplied.values:
            return shape
        from harness.syntax.expressions import with_values  # noqa: PLC0415 -- few calls need it

        return tuple(with_values(each, self.supplied.values) for each in shape)

    def channels_and_kernel(
        self,
        in_channels: int | None,
        out_channels: int | None,
        kernel: Sizes | None,
        groups: int,
        weight: Sizes | None = None,
        in_part: Sequence[Value] = (),
    ) -> tuple[int, int, Sizes]:
        """Complete what the text leaves open, which is ``None`` here.

        ``weight`` is the canonical shape of the weights, where the text shows it; ``in_part`` the
        same where it shows some sizes only.  An error names what stays open and what to add, or two
        sources that disagree.
        """
        if out_channels is not None:
            out_channels *= self.site.groups
        if kernel is not None:
            kernel = self._without_zeros(kernel)
        shapes = self._weight_shapes(weight, kernel)
        groups *= self.site.groups
        ins = [("the text", in_channels), *((who, shape[0]) for who, shape in shapes)]
        outs = [("the text", out_channels), *((who, shape[1] * groups) for who, shape in shapes)]
        kernels = [("the text", kernel), *((who, shape[2:]) for who, shape in shapes)]
        if self.supplied.input is not None:
            source = "its input" if self.supplied.is_in_text else named(Ask.INPUT_SHAPE)
            ins.append((source, self.supplied.input[1]))
        one_in = self._agreed("in_channels", ins)
        one_out = self._agreed("out_channels", outs)
        one_kernel = self._agreed("kernel", kernels)
        if self.form.rank in {None, len(in_part) - 2} and len(in_part) > len(("in", "out")):
            channels, filters, *extents = in_part
            one_in = one_in or _size(channels)
            one_out = one_out or (_size(filters) or 0) * groups or None
            one_kernel = one_kernel or (None if self.site.steps else sizes_of(extents))
        open_ = self.supplied.open_sizes
        one_in, one_out = one_in or open_.in_channels, one_out or open_.out_channels
        one_kernel = one_kernel or open_.kernel
        if one_in is None or one_out is None or one_kernel is None:
            error = self._what_is_open(one_in, one_out, one_kernel)
            error.sizes = _by_roles(in_part) if groups == 1 else {}
            raise error
        return one_in, one_out, one_kernel

    def _weight_shapes(self, weight: Sizes | None, kernel: Sizes | None) -> list[tuple[str, Sizes]]:
        """The known canonical shapes of the weights, each with its source."""
        if weight is not None:
            # The text shows the kernel with the zeros; the user's shape has none.
            weight = (*weight[:2], *self._without_zeros(weight[2:]))
        sources = [("the text", weight), (named(Ask.WEIGHT_SHAPE), self.supplied.weight)]
        shapes = [(who, shape) for who, shape in sources if shape is not None]
        for who, shape in shapes:
            rank = self.form.rank or (len(kernel) if kernel else len(shape) - 2)
            if len(shape) != rank + 2:
                raise self.error(
                    who + f" has weights {list(shape)} of {len(shape)} axes; {self.form.name} "
                    f"takes {rank + 2}: {weight_axes(rank)}."
                )
        # The call and an array may both be in the text, and differ.
        names = {"the text": "the text's weights"}
        return [(names.get(who, who), shape) for who, shape in shapes]

    def _without_zeros(self, kernel: Sizes) -> Sizes:
        """The kernel into which the text around the call writes the zeros of a dilation."""
        steps = self.site.steps
        if steps is None:
            return kernel
        if len(steps) != len(kernel):
            raise self.error(
                f"zeros are written into the weights on {len(steps)} spatial axes, with steps "
                f"{list(steps)}; the kernel {list(kernel)} has {len(kernel)}: write a step for "
                "each axis, 1 where there are no zeros."
            )
        pairs = list(zip(kernel, steps, strict=True))
        beyond = [(extent - 1) % step for extent, step in pairs]
        if any(beyond):
            least = [extent - more for extent, more in zip(kernel, beyond, strict=True)]
            raise self.error(
                f"zeros are written into a kernel {list(kernel)} with steps {list(steps)}, and "
                f"the last tap is not at its end: it ends with zeros that make the output larger. "
                f"Write a kernel {least}, step * (k - 1) + 1 on each axis."
            )
        return tuple((extent - 1) // step + 1 for extent, step in pairs)

    def _agreed(self, what: str, sources: Sequence[tuple[str, _T | None]]) -> _T | None:
        known = [(source, value) for source, value in sources if value is not None]
        for source, value in known[1:]:
            first, agreed = known[0]
            if value != agreed:
                shape = self.supplied.input
                hint = ""
                if what == "in_channels" and shape is not None and shape[-1] == agreed:
                    hint = f" {_CHANNELS_SECOND}: " + _channels_second(shape)
                raise self.error(
                    f"{what} is {shown(agreed)} in "
                    + first
                    + f" and {shown(value)} in "
                    + source
                    + "; they must agree."
                    + hint
                )
        return known[0][1] if known else None

    def _what_is_open(
        self, in_channels: int | None, out_channels: int | None, kernel: Sizes | None
    ) -> OpenError:
        rank = self.form.rank or (len(kernel) if kernel else 2)
        parts = {"in_channels": in_channels, "out_channels": out_channels, "kernel": kernel}
        missing = [what for what, value in parts.items() if value is None]
        if missing == ["in_channels"]:
            request = asked(Ask.INPUT_SHAPE, (1, 64, *(16,) * rank))
            shape = f" with your input's shape, {input_axes(rank)}"
        else:
            example = (in_channels or 64, out_channels or 32, *(kernel or (4,) * rank))
            request = asked(Ask.WEIGHT_SHAPE, example)
            shape = f" with your weights' shape, {weight_axes(rank)}"
        fact = f"the text leaves {' and '.join(missing)} open: "
        return OpenError(
            f"{fact}" + request + f"{shape}{self._or_a_line_above()}.",
            self.call.column,
            tuple(missing),
        )

    def _or_a_line_above(self) -> str:
        """Offer to set, in the text, the variables that stand for channels and kernel.

        Setting a parameter or a loop's variable has no effect.
        """
        names = dict.fromkeys(
            variable
            for argument in self._sizes_given()
            if isinstance(argument.value, Name)
            and re.fullmatch(r"[\w\s*/+-]+", argument.value.text)
            and not _NO_VARIABLES & set(words := _WORD.findall(argument.value.text))
            for variable in words
        )
        if any(self.is_bound(variable) for variable in names):
            return ", or write numbers in the call"
        values = " and ".join(f"{variable} = ..." for variable in names)
        return f", or write {values} above it" if names else ""

    def _sizes_given(self) -> Iterator[Argument]:
        """The arguments that stand for channels and kernel."""
        for name, argument in self.given.items():
            parameter = self.form.parameter(name)
            if parameter is not None and parameter.role is not None:
                yield argument

    # The operator.

    def reading(
        self,
        channels_and_kernel: tuple[int, int, Sizes],
        *,
        stride: PerAxis = 1,
        dilation: PerAxis = 1,
        crop: Crop | None = 0,  # None where ``cropped`` follows, which adds it
        groups: int = 1,
        bias: bool = True,
        input: Sizes | None = None,  # noqa: A002 -- the contract's word
        training: Training = SILENT,
        notes: Sequence[str] = (),
        channels_last: bool = False,
        sources: Sequence[Value] = (),
    ) -> Reading:
        """Return the reading of a legal operator, whose input must fit.

        ``sources`` are values of other lines that the reading was taken from.
        """
        try:
            operator = Operator.of(
                *channels_and_kernel,
                stride=stride,
                dilation=dilation if self.site.steps is None else self.site.steps,
                crop=0 if crop is None else crop,
                groups=groups * self.site.groups,
                bias=bias,
            )
        except OperatorError as error:
            raise self.error(str(error)) from None
        shape = self.supplied.input or input
        if shape is not None:
            self._check_axes(operator, shape)
        if shape is not None and crop is not None:
            self._check_output(operator, shape)
        return Reading(
            self.form.name,
            operator,
            shape,
            training,
            (
                *notes,
                *self.assumed,
                *self.ignored_notes(),
                *self._from_weight(),
                *assumed_notes(self, sources),
                *recomputed_notes(self),
                *self._printed_notes(),
                *self._layout_notes(channels_last),
            ),
            channels_last=channels_last,
        )

    def cropped(self, reading: Reading, crop: Pairs, *notes: str) -> Reading:
        """Return a reading with a crop, which must leave an output."""
        operator = replace(reading.operator, crop=crop)
        if reading.input is not None:
            self._check_output(operator, reading.input)
        return replace(reading, operator=operator, notes=(*notes, *reading.notes))

    def _check_axes(self, operator: Operator, shape: Sizes) -> None:
        if len(shape) != operator.rank + 2:
            raise self.error(
                f"the input {list(shape)} has {len(shape)} axes; {operator.rank + 2} are "
                f"needed: {input_axes(operator.rank)}."
            )

    def _check_output(self, operator: Operator, shape: Sizes) -> None:
        if fact := operator.explain(shape[2:]):
            raise self.error(fact)

    def ignored_notes(self) -> list[str]:
        """Note the arguments that do not affect the operator."""
        return [
            f"{parameter.name}: {parameter.meaning}; not part of the operator."
            for parameter in self.form.parameters
            if parameter.ignored and parameter.name in self.given
        ]

    def _printed_notes(self) -> list[str]:
        """Note that a signature is no call."""
        if not is_signature(self.form, self.site):
            return []
        return ["This is a signature, not a call: it is read with its defaults."]

    def _layout_notes(self, channels_last: bool) -> list[str]:
        """Note that the shape of the input may have been given in the text's layout."""
        shape = self.supplied.input
        if not channels_last or shape is None or len(shape) < 4:
            return []
        # A square of which the last size is another one.
        if len(set(shape[1:-1])) > 1 or shape[1] == shape[-1]:
            return []
        return [
            f"{_CHANNELS_SECOND}, also where the text's are last: this one has {shape[1]}. If it "
            f"has {shape[-1]}, " + _channels_second(shape)
        ]

    def _from_weight(self) -> list[str]:
        """Note calls in the text whose values come from the weights' shape."""
        if self.supplied.weight is None:
            return []
        return [
            f"{shown(argument.value)} is not computed here: its value is that of "
            + named(Ask.WEIGHT_SHAPE)
            + "."
            for argument in self._sizes_given()
            if isinstance(argument.value, Call)
        ]


def bind(form: Signature, site: CallSite, supplied: Supplied) -> Arguments:
    """Bind a call's arguments to a form's parameters."""
    given, assumed = bound(form, site.call, is_printed=is_signature(form, site)), []
    if supplied.values:
        from harness.syntax.expressions import with_values  # noqa: PLC0415 -- few calls need it

        given = {
            name: replace(each, value=with_values(each.value, supplied.values))
            for name, each in given.items()
        }
    changed_by = _changed_by(site.call.owner)
    if changed_by:
        assumed.append(
            f"{changed_by} is not in the text: what it changes of {form.name} is not in the answer."
        )
    for parameter in form.parameters:
        is_bias = "bias" in parameter.name and isinstance(parameter.default, bool)
        if changed_by and is_bias and parameter.name not in given:
            # Most of all, functions change whether there is one.
            unknown = f"{changed_by}.{parameter.name}"
            known = supplied.values.get(unknown, Name(unknown, site.call.column))
            given[parameter.name] = Argument(parameter.name, known, site.call.column)
        value = given[parameter.name].value if parameter.name in given else None
        if is_bias and not supplied.assumes_bias:
            continue
        if parameter.assumable and isinstance(value, Name | Call):
            del given[parameter.name]
            assumed.append(
                f"{parameter.name} is {shown(value)}, whose value the text does not hold: taken "
                f"for {parameter.default!r}, its default."
            )
    return Arguments(form, given, site, supplied, tuple(assumed)).with_sizes_of_shapes()


def _changed_by(owner: Value) -> str:
    """The function of another file that changes what is called, or may."""
    options = owner.options if isinstance(owner, Either) else (owner,)
    functions = (each.changed_by for each in options if isinstance(each, Reference))
    return next(filter(None, functions), "")


@dataclass(frozen=True, repr=False, eq=False)
class Form(Signature):
    """One function or layer of a framework."""

    read: Callable[[Arguments], Reading]  # What bound arguments mean
    # Where the call only describes what is executed later: finds the call that returns the output.
    output: Callable[[CallSite], Application | None] | None = None
    # Another framework has the call too, and a text is taken for that one's unless this one is
    # asked for by name.
    only_if_asked: bool = field(default=False, kw_only=True)


def _size(value: Value) -> int | None:
    """A size that is known."""
    return value if isinstance(value, int) and value is not True and value > 0 else None


def _by_roles(shape: Sequence[Value]) -> dict[str, Value]:
    """Names for sizes of weights, in the canonical order: those that are not computed."""
    if not shape:
        return {}
    from harness.syntax.expressions import open_names  # noqa: PLC0415 -- few calls need it

    roles: dict[str, Value] = {"in_channels": shape[0], "out_channels": shape[1]}
    roles["kernel"] = tuple(shape[2:])
    return {
        role: value
        for role, value in roles.items()
        if (names := [*open_names(value)]) and all(map(_PLAIN.fullmatch, names))
    }


def _channels_second(shape: Sizes) -> Sentence:
    return asked(Ask.INPUT_SHAPE, (shape[0], shape[-1], *shape[1:-1]), "give") + "."


def output_crop(
    arguments: Arguments, operator: Operator, out_size: Sizes, begin: Callable[[int, int], int]
) -> Pairs:
    """Return the crop that makes an output of ``out_size``; ``operator`` has none yet.

    ``begin(axis, total)`` is how much of the total the framework removes at the beginning.
    """
    in_size = arguments.in_size("the output size")
    if len(in_size) != operator.rank:
        raise arguments.error(
            f"the input has {len(in_size)} spatial axes, the kernel {sizes(operator.kernel)}."
        )
    totals = [full - out for full, out in zip(operator.full_size(in_size), out_size, strict=True)]
    begins = [begin(axis, total) for axis, total in enumerate(totals)]
    return tuple((b, total - b) for b, total in zip(begins, totals, strict=True))
