"""Names that are read as one number for all axes, where they may be tuples."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from harness.convention.binding import bound
from harness.convention.signature import Signature
from harness.lookup.reading import FoundCall
from harness.syntax.lone_names import not_shown_as_numbers

_PER_AXIS: Final = re.compile("kernel|ksize|strid|pad|dilat|adj")


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
    given = bound(form, found.site.call)
    sizes = [each.value for name, each in given.items() if _PER_AXIS.search(name)]
    values = [each.value for each in given.values()]
    assigned = found.site.statement.assigned
    open_ = not_shown_as_numbers(sizes, values, assigned, numbers, found.text)
    if not open_:
        return []
    is_one = len(open_) == 1
    what = "a number; where it is a tuple, index it" if is_one else "numbers; where they are tuples"
    return [f"{', '.join(open_)}: taken for {what}{'' if is_one else ', index them'} per axis."]
