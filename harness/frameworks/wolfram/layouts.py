"""Weights and biases brought into the layouts of the Wolfram Language, as its text."""

from __future__ import annotations


def permuted(name: str, before: str, after: str, _groups: int) -> str:
    """Write the permutation of an array."""
    if "G" in before and "G" not in after:
        # Flatten permutes and merges levels at once; levels count from 1.
        levels = ("GI" if letter == "I" else letter for letter in after)
        wanted = (", ".join(str(before.index(one) + 1) for one in level) for level in levels)
        return f"Flatten[{name}, {{{', '.join(f'{{{level}}}' for level in wanted)}}}]"
    # Transpose takes where each level goes, not where it comes from:
    # https://reference.wolfram.com/language/ref/Transpose.html
    goes = ", ".join(str(after.index(letter) + 1) for letter in before)
    return f"Transpose[{name}, {{{goes}}}]"


def bias_reshaped(name: str, before: int, after: int) -> str:
    """Write a bias as the vector that a layer takes."""
    return name if before == after else f"Flatten[{name}]"
