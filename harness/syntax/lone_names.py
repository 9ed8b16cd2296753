"""Names that stand alone for a size, of which a text may show that they are numbers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from harness.syntax.expressions import open_names
from harness.syntax.tree import BinaryOp, Call, Name, UnaryOp, Value, is_sequence

_ELEMENT: Final = re.compile(r"\[[^\]]*\]$")


def not_shown_as_numbers(
    sizes: Sequence[Value],
    values: Sequence[Value],
    assigned: Mapping[str, Value],
    numbers: Collection[str],
    text: str,
) -> list[str]:
    """Return the names that stand alone for a size, and that nothing shows to be numbers.

    Parameters
    ----------
    sizes, values : sequence of value
        The arguments that are sizes, and all arguments.
    assigned : mapping of str to value
        What the text gives names before the call.
    numbers : collection of str
        The names that are read as numbers.
    text : str
        The whole text.

    Examples
    --------
    >>> texts = ["def up(k): ...", "def up(k=3): ...", "def up(k: int): ..."]
    >>> [not_shown_as_numbers([Name("k", 0)], [], {}, ["k"], each) for each in texts]
    [['k'], [], []]
    """
    names = dict.fromkeys(
        each.text
        for each in sizes
        if isinstance(each, Name) and not isinstance(each, BinaryOp | UnaryOp)
        if each.text in numbers and not is_sequence(each)
        if not isinstance(assigned.get(each.text), BinaryOp | UnaryOp)
    )
    others = [*values, *assigned.values()]
    computed = {name for value in others for name in _computed_with(value)}
    return [each for each in names if each not in computed and not _is_shown(each, text)]


def _computed_with(value: Value) -> Iterator[str]:
    """Names that a value is computed from by arithmetic, which no tuple takes part in."""
    match value:
        case BinaryOp() | UnaryOp():
            yield from open_names(value)
        case Call(arguments=arguments):
            for argument in arguments:
                yield from _computed_with(argument.value)
        case tuple():
            for each in value:
                yield from _computed_with(each)


@lru_cache(maxsize=64)  # Many calls of a text have the same names.
def _is_shown(name: str, text: str) -> bool:
    """Whether the head of a function or a class gives a name a number, or says that it is one."""
    last = re.escape(_ELEMENT.sub("", name).rpartition(".")[2])
    if _ELEMENT.search(name):
        return False
    # Bounded, so that no text takes more than linear time.
    is_number = rf"(?<!\w){last} ?(?:: ?int\b(?! *\|)|(?::[^,=()\n]{{0,60}})?= ?\d)"
    heads = rf"def +\w+\([^()]{{0,2000}}?{is_number}|^[ \t]*{last} ?: ?int\b"
    return re.search(heads, text, re.MULTILINE) is not None
