"""The arguments of a call, bound to a form's parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from harness.convention.signature import REQUIRED, Parameter, Signature
from harness.convention.values import created_array, integer, integers, shape_of, shown, unknown
from harness.core.errors import Ask, asked
from harness.core.operators import Sizes
from harness.core.suggestion import did_you_mean, nearest
from harness.syntax.callsite import CallSite
from harness.syntax.tree import (
    Argument,
    Call,
    Name,
    Passed,
    SnippetError,
    UnknownValueError,
    Value,
    calls,
)

_DOTTED: Final = re.compile(r"[^\W\d]\w*(?:\.\w+)*")


@dataclass(frozen=True, repr=False, eq=False)
class BoundCall:
    """A call whose arguments are bound to the parameters of its form."""

    form: Signature
    given: Mapping[str, Argument]  # Arguments by their parameter's name
    site: CallSite  # The call, and the text around it

    @property
    def call(self) -> Call:
        """The call itself."""
        return self.site.call

    @property
    def assigned(self) -> Mapping[str, Value]:
        """The values of names at the call."""
        return self.site.statement.assigned

    @property
    def application(self) -> tuple[Argument, ...]:
        """The arguments of the call of the layer that this call creates."""
        return self.site.applied.call.arguments if self.site.applied else ()

    @property
    def input_in_text(self) -> Value:
        """The array that the call, or the layer that it makes, is given."""
        site, value = self.site, None
        if self.form.is_method and self.form.parameter("input") is None:
            receiver = _receivers(self.form, self.call)
            value = receiver[0].value if receiver else Name(self.call.dotted.rpartition(".")[0], 0)
        elif self.form.style == "function" or self.form.parameters[0].name in {"input", "inputs"}:
            name = self.form.parameters[0].name
            value = self.given[name].value if name in self.given else None
        elif self.application:
            value = self.application[0].value
        if isinstance(value, Name):
            # Names may have other values where the layer is called than where it is created.
            statement = site.applied.statement if site.applied else site.statement
            value = statement.assigned.get(value.text)
        return value

    def is_bound(self, variable: str) -> bool:
        """Whether a function, a loop, a lambda or the like sets a variable.

        The names of comprehensions and lambdas are in no statement, only in an expression's text.
        """
        if isinstance(self.assigned.get(variable), Name):
            return True
        around = _around(self.site.statement.value, self.call)
        binds = re.compile(rf"\b(?:for|lambda)\b[^:]*?\b{re.escape(variable)}\b[^:]*?(?:\bin\b|:)")
        return any(binds.search(name.text) for name in around)

    def error(self, fact: str, name: str | None = None) -> SnippetError:
        """Return an error that points at an argument, or at the call."""
        return SnippetError(fact, self._column(name))

    def _column(self, name: str | None = None) -> int:
        given = self.given.get(name) if name else None
        return (given or self.call).column

    def value(self, name: str) -> Value:
        """Return a parameter's argument, or its default."""
        if name in self.given:
            return self.given[name].value
        parameter = self.form.parameter(name)
        assert parameter is not None, name
        if parameter.default is REQUIRED:
            raise self.error(f"{self.form.name} needs {name}: {parameter.meaning}.")
        default: Value = parameter.default  # type: ignore[assignment]
        return default

    def known(self, name: str, example: str = "", words: tuple[str, ...] = ()) -> Value:
        """Return a parameter's argument, or its default, which the text must contain.

        The example is one of the words that it may be; ``words`` are all, where they are known.
        """
        value = self.value(name)
        if isinstance(value, Name | Call):
            parameter = self.form.parameter(name)
            default = None if parameter is None else parameter.default
            word = example or (default if isinstance(default, str) else "")
            fact = unknown(name, value)
            if word and isinstance(value, Name) and _DOTTED.fullmatch(value.text):
                fact = fact.removesuffix(".") + ", or "
                fact += asked(Ask.VALUE, f"{value.text}={word}") + "."
            column = self._column(name)
            raise UnknownValueError(fact, column, name, value, "word", words=words)
        return value

    def has(self, name: str) -> bool:
        """Whether there is an argument other than ``None``."""
        return name in self.given and self.given[name].value is not None

    def is_open(self, name: str) -> bool:
        """Whether a value is left to the input or the weights: absent, ``None`` or unknown."""
        value = self.given[name].value if name in self.given else None
        # A kernel (k, k) is as open as k; of (k, 1) the text holds a part, which must not be lost.
        values = value if isinstance(value, tuple) and value else (value,)
        return all(isinstance(each, Name | Call | None) for each in values)

    def integer(self, name: str, *, least: int = 1) -> int:
        """Return an integer parameter."""
        value = integer(name, self.value(name), self._column(name))
        if value < least:
            raise self.error(f"{name} is {value}; it must be at least {least}.", name)
        return value

    def open_integer(self, name: str) -> int | None:
        """Return an integer parameter, or ``None`` where the text leaves it open."""
        self.check_given(name)
        return None if self.is_open(name) else self.integer(name)

    def check_given(self, name: str) -> None:
        """Refuse a call without a required argument, even if the input would show its value."""
        if name not in self.given:
            self.value(name)

    def per_axis(self, name: str, rank: int, *, least: int = 1, takes: str = "") -> Sizes:
        """Return one integer per spatial axis; one integer in the text serves all.

        In brackets it serves all too, unless ``takes`` states what the framework takes instead.
        """
        value = self.value(name)
        if not isinstance(value, tuple):
            return (self.integer(name, least=least),) * rank
        if takes and len(value) != rank:
            count = f"{len(value)} number{'s' * (len(value) != 1)}"
            raise self.error(f"{name} {shown(value)} has {count}; {takes}.", name)
        sizes = integers(name, value, self._column(name))
        if len(sizes) == 1:
            sizes *= rank
        if len(sizes) != rank:
            raise self.error(
                f"{name} {list(sizes)} has {len(sizes)} numbers; "
                f"there are {rank} spatial axes: give one number, or {rank}.",
                name,
            )
        if min(sizes) < least:
            raise self.error(f"{name} {list(sizes)} must be at least {least} on every axis.", name)
        return sizes

    def choice(self, name: str, *words: str, any_case: bool = False) -> str:
        """Return a parameter that must be one of several words."""
        value = self.known(name, "same" if "same" in words else words[0], words)
        word = value.lower() if any_case and isinstance(value, str) else value
        if word not in words:
            known = " or ".join(map(repr, words))
            raise self.error(f"{name} must be {known}, found {shown(value)}.", name)
        return str(word)

    def flag(self, name: str) -> bool:
        """Return a truth value; 0 and 1 serve."""
        value = self.value(name)
        if isinstance(value, Name | Call):
            raise UnknownValueError(
                f"{name} must be True or False, found {shown(value)}, whose value the text does "
                "not hold: write it in its place.",
                self._column(name),
                name,
                value,
                "truth",
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
        """Return an array parameter's shape, where the text shows how the array is created."""
        return shape_of(self.array(name))

    def array(self, name: str) -> Value:
        """Return what creates an array parameter, where the text shows it."""
        value = self.given[name].value if name in self.given else None
        return created_array(value, self.assigned)

    def with_shapes(self, arrays: Mapping[str, Sizes]) -> Self:
        """Return the same with ``x.shape[1]`` and the like computed in every argument.

        ``arrays`` has the framework's shapes by parameter or, without one, by the array's name.
        """
        from harness.syntax.shapes import fold  # noqa: PLC0415 -- few calls need it

        shapes = {}
        for name, shape in arrays.items():
            value = self.given[name].value if name in self.given else None
            if isinstance(value, Name):
                shapes[value.text] = shape
                # A function of the text has its own name for what it is given.
                shapes |= {
                    other: shape
                    for other, each in self.assigned.items()
                    if isinstance(each, Passed) and each.text == value.text
                }
            elif self.form.parameter(name) is None:
                shapes[name] = shape
        given = {
            name: replace(argument, value=fold(argument.value, shapes, self.assigned))
            for name, argument in self.given.items()
        }
        return replace(self, given=given)


def _around(value: Value, call: Call) -> Iterator[Name]:
    """The expressions without a value that contain a call."""
    if isinstance(value, Name) and any(each is call for each in calls(value)):
        yield value
    inner = value if isinstance(value, tuple) else ()
    if isinstance(value, Name):
        inner = value.calls
    elif isinstance(value, Call):
        inner = value.parts
    for each in inner:
        yield from _around(each, call)


class OtherArgumentsError(SnippetError):
    """A call with arguments that what it is taken for does not take."""


def bound(form: Signature, call: Call, *, is_printed: bool = False) -> dict[str, Argument]:
    """Find the parameter of each argument.

    Of a printed signature, what stands for other arguments and defaults is left out.

    Raises
    ------
    SnippetError
        For an unknown, repeated or surplus argument, or one that the text does not show.
    """
    positional = [parameter for parameter in form.parameters if not parameter.keyword]
    given: dict[str, Argument] = {}
    arguments = list(_paired(form, call.arguments) if form.named_pairs else call.arguments)
    arguments = arguments[len(_receivers(form, call)) :]
    if is_printed:
        arguments = arguments[_is_self(arguments[:1]) :]
        arguments = [each for each in arguments if not _is_placeholder(form, each)]
    for argument in arguments:
        if argument.name in {"*", "**"}:
            raise SnippetError(
                f"{argument.name} holds arguments that the text does not show: write them out.",
                argument.column,
            )
        if argument.name is None:
            if len(given) >= len(positional):
                raise OtherArgumentsError(
                    f"{form.name} takes at most {len(positional)} arguments by position.",
                    argument.column,
                )
            parameter: Parameter | None = positional[len(given)]
        else:
            parameter = form.parameter(argument.name)
        if parameter is None:
            raise OtherArgumentsError(_unknown(form, str(argument.name)), argument.column)
        if parameter.name in given:
            raise SnippetError(f"{parameter.name} is given twice.", argument.column)
        given[parameter.name] = argument
    return given


def is_signature(form: Signature, site: CallSite) -> bool:
    """Whether a text is what a page prints of a form: parameters, and all with their defaults."""
    given = site.call.arguments[_is_self(site.call.arguments[:1]) :]
    values = [each.value for each in given if each.name is None]
    defaults = [each for each in site.call.arguments if each.name not in {None, "*", "**"}]
    names = [value.text if isinstance(value, Name) else None for value in values]
    return (
        site.stands_alone
        and not site.statement.block
        and bool(defaults)
        and (bool(names) or any(map(_is_null, defaults)))
        and names == [parameter.name for parameter in form.parameters][: len(names)]
        and all(_has_its_default(form, each) for each in defaults)
    )


def _receivers(form: Signature, call: Call) -> tuple[Argument, ...]:
    """What a method is of, where that stands among the arguments.

    It does in ``Tensor.method(x, w)``, and what is read of ``f(x).method(w)`` puts it there.
    """
    dot = "." in call.dotted
    is_first = form.is_method and (not dot or f".{form.name}".endswith(f".{call.dotted}"))
    return call.arguments[:1] if is_first else ()


def _is_self(first: Sequence[Argument]) -> bool:
    return any(isinstance(each.value, Name) and each.value.text == "self" for each in first)


def _has_its_default(form: Signature, argument: Argument) -> bool:
    parameter, value = form.parameter(str(argument.name)), argument.value
    if parameter is None or _is_null(argument):
        return parameter is not None
    alike = set(value) if isinstance(value, tuple) and value else {value}
    return value == parameter.default or alike == {parameter.default}


def _is_null(argument: Argument) -> bool:
    """Whether a page prints no default, but that there is one."""
    return isinstance(argument.value, Name) and argument.value.text == "_Null"


def _is_placeholder(form: Signature, argument: Argument) -> bool:
    """Whether an argument of a signature stands for others, or for a default that is not shown."""
    parameter = form.parameter(argument.name or "")
    has_default = parameter is not None and parameter.default is not REQUIRED
    return argument.name in {"*", "**"} or (has_default and _is_null(argument))


def _paired(form: Signature, arguments: Sequence[Argument]) -> Iterator[Argument]:
    """Turn ``..., 'Stride', 4`` into an argument of that name."""
    names = iter(arguments)
    for argument in names:
        if argument.name is None and isinstance(argument.value, str):
            value = next(names, None)
            if value is None or value.name is not None:
                raise SnippetError(
                    f"{argument.value!r} has no value after it: {form.name} takes names and "
                    "values in turns.",
                    argument.column,
                )
            yield Argument(argument.value, value.value, argument.column)
        else:
            yield argument


def _unknown(form: Signature, name: str) -> str:
    known = [each for parameter in form.parameters for each in (parameter.name, *parameter.aliases)]
    hint = f" {form.hints[name]}" if name in form.hints else did_you_mean(nearest(name, known))
    return f"{form.name} has no parameter {name!r}.{hint} Known: {', '.join(known)}."
