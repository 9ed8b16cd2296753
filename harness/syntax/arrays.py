"""Calls that create arrays, or give back one of the same shape, in any language and framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from harness.syntax.tree import Argument, BinaryOp, Call, Name, Value, last_name

# Functions that take an array's sizes one by one: zeros(3, 4), but not uniform(3, 4).
BY_SIZES: Final = {"rand", "randn", "zeros", "ones", "empty", "Tensor"}
# Functions that take its shape first, if they take a tuple.
_BY_SHAPE: Final = {"empty", "zeros", "ones", "full"}
# Methods that give back an array of the shape that theirs has.
KEEPING: Final = {"astype", "float", "half", "double", "cuda", "to", "copy", "clone"}
# Functions and methods that create arrays of a shape, and those that keep an array's shape.
MAKERS: Final = {
    *BY_SIZES,
    *KEEPING - {"copy", "clone"},
    *("randint", "normal", "random", "random_sample", "uniform", "full", "array", "asarray"),
    *("tensor", "as_tensor", "constant", "from_numpy", "Variable", "variable", "Parameter"),
    *("cast", "identity", "convert_to_tensor", "to_tensor", "create_parameter"),
    "parameter",
    *("random_normal", "random_uniform", "truncated_normal", "get_variable", "placeholder"),
    *("stateless_normal", "stateless_uniform", "stateless_truncated_normal", "add_weight"),
    *("as_in_context", "single", "dlarray", "gpuArray"),
    *("RandomReal", "RandomInteger", "RandomVariate", "ConstantArray", "NumericArray"),
}
_INITIAL: Final = {"initial_value", "value", "data", "x", "input"}
_DEEPEST: Final = 8


def makes_an_array(value: Value) -> bool:
    """Whether a value is a call that creates an array, or keeps its shape.

    >>> makes_an_array(Call(Name("torch.zeros", 0), (), 0))
    True
    """
    return isinstance(value, Call) and last_name(value) in MAKERS


def with_other_elements(array: Call) -> Call:
    """Return a call that makes an array of the same shape, whose elements the text does not show.

    >>> with_other_elements(Call(Name("np.zeros", 0), (), 0)).dotted
    'np.empty'
    """
    module, dot, last = array.dotted.rpartition(".")
    if last not in {"zeros", "ones"}:
        return array
    return replace(array, function=Name(f"{module}{dot}empty", array.column))


def whole_array(value: Value, given: Mapping[str, Value], depth: int = 0) -> Value:
    """Return what makes an array without the names of arrays that it is made of.

    Elsewhere these are nothing, or something else.

    >>> from harness.syntax.python import read
    >>> last = read("f = zeros((3, 2)); f = f.astype('f'); w = Variable(f / 4)").statements[-1]
    >>> whole_array(last.value, {"f": read("zeros((3, 2))").statements[0].value}).positional[0].left
    Call(function=Name(text='zeros', column=0, calls=()), \
arguments=(Argument(name=None, value=(3, 2), column=6),), column=0, assumed=())
    """
    if depth > _DEEPEST:
        return value

    def whole(part: Value) -> Value:
        return whole_array(part, given, depth + 1)

    match value:
        case BinaryOp(left=left, right=right):
            sides = whole(left), whole(right)
            changed = sides[0] is not left or sides[1] is not right
            return replace(value, left=sides[0], right=sides[1]) if changed else value
        case Name(text=text) if type(value) is Name:
            array = given.get(text)
            return whole(array) if makes_an_array(array) else value
        case Call(function=Name(text=text), arguments=[_, *_]) if makes_an_array(value):
            owner, _, method = text.rpartition(".")
            if method in KEEPING and makes_an_array(given.get(owner)):
                of = Argument(None, whole(given[owner]), value.column)
                function = Name(method, value.column)
                return replace(value, function=function, arguments=(of, *value.arguments))
            made = [_with_sizes(each, given) for each in value.arguments]
            # Of one only: of all, what is written out may grow with every name.
            if (place := _place_of_initial(made)) is not None:
                made[place] = replace(made[place], value=whole(made[place].value))
            return replace(value, arguments=tuple(made))
    return value


def _place_of_initial(arguments: Sequence[Argument]) -> int | None:
    """Where the array stands whose shape another has, if it is made of one."""
    by_name = [n for n, each in enumerate(arguments) if each.name == "initializer"]
    return next(iter(by_name), 0 if arguments[0].name in {None, *_INITIAL} else None)


def made_alike(values: Sequence[Value]) -> bool:
    """Whether values are arrays that were all made of the same one.

    >>> one = Call(Name("zeros", 0), (Argument(None, (3, 4), 6),), 0)
    >>> two = Call(Name("get_variable", 0), (Argument("initializer", one, 0),), 0)
    >>> made_alike([one, two]), made_alike([one, Call(Name("zeros", 0), (), 0)])
    (True, False)
    """
    first, *others = map(_innermost, values)
    return makes_an_array(first) and all(each == first for each in others)


def _innermost(value: Value) -> Value:
    while isinstance(value, Call) and makes_an_array(value) and value.arguments:
        place = _place_of_initial(value.arguments)
        inner = None if place is None else value.arguments[place].value
        if not makes_an_array(inner):
            break
        value = inner
    return value


def _with_sizes(argument: Argument, given: Mapping[str, Value]) -> Argument:
    """An argument ``other.shape`` as the sizes with which that array was made."""
    value = argument.value
    owner = value.text.removesuffix(".shape") if type(value) is Name else ""
    array = given.get(owner) if type(value) is Name and owner != value.text else None
    if not isinstance(array, Call) or last_name(array) not in _BY_SHAPE or not array.positional:
        return argument
    shape = array.positional[0]
    return replace(argument, value=shape) if isinstance(shape, tuple) else argument
