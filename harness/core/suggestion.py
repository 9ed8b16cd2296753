"""Known names that somebody may have meant by one that is not known."""

from __future__ import annotations

from collections.abc import Sequence


def nearest(name: str, known: Sequence[str]) -> list[str]:
    """Return the known name that is most like another, if any is; as a list.

    >>> nearest("strides", ["kernel", "stride"])
    ['stride']
    """
    import difflib  # noqa: PLC0415 -- only what is wrong needs it

    return difflib.get_close_matches(name, known, n=1)


def did_you_mean(near: Sequence[str]) -> str:
    """Return the question for behind an error, with a space before it; empty without a name.

    >>> did_you_mean(["stride"])
    " Did you mean 'stride'?"
    """
    return f" Did you mean {near[0]!r}?" if near else ""
