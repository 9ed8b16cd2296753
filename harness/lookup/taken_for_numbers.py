"""Names that are read as one number for all axes, where they may be tuples."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Final

from harness.convention.binding import bound
from harness.convention.signature import Signature
from harness.lookup.reading import FoundCall
from harness.syntax.expressions import open_names
from harness.syntax.tree import BinaryOp, Call, Name, UnaryOp, Value, is_sequence

_PER_AXIS: Final = re.compile("kernel|ksize|strid|pad|dilat|adj")
_ELEMENT: Final = re.compile(r"\[[^\]]*\]$")


def note_on_numbers(found: FoundCall, form: Signature, numbers: Collection[str]) -> list[str]:
    r"""Note the names of a call that nothing in the text shows to be numbers.

    Parameters
    ----------
    numbers : collection of str
        The names that are read as numbers.

    Examples
    --------
    >>> from harness.lookup.reading import find_one
    >>> found = find_one("def f(k, s: int, p): return nn.ConvTranspose2d(8, 4, k, s, p // 2)")
    >>> note_on_numbers(found, found.forms[0], ["k", "s", "p"])
    ['k: taken for a number; where it is a tuple, index it per axis.']
    """
    given, assigned = bound(form, found.site.call), found.site.statement.assigned
    sizes = [each.value for name, each in given.items() if _PER_AXIS.search(name)]
    names = dict.fromkeys(
        each.text
        for each in sizes
        if isinstance(each, Name) and not isinstance(each, BinaryOp | UnaryOp)
        if each.text in numbers and not is_sequence(each)
        if not isinstance(assigned.get(each.text), BinaryOp | UnaryOp)
    )
    others = [*(each.value for each in given.values()), *assigned.values()]
    computed = {name for value in others for name in _computed_with(value)}
    open_ = [each for each in names if each not in computed and not _is_shown(each, found.text)]
    if not open_:
        return []
    is_one = len(open_) == 1
    what = "a number; where it is a tuple, index it" if is_one else "numbers; where they are tuples"
    return [f"{', '.join(open_)}: taken for {what}{'' if is_one else ', index them'} per axis."]


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
