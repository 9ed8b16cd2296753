"""Weights and biases brought into MATLAB's layouts, as MATLAB text."""

from __future__ import annotations


def permuted(name: str, before: str, after: str, groups: int) -> str:
    """Write the permutation of an array, whose groups get an axis of their own."""
    if "G" in after and "G" not in before:
        # reshape is column-major: the channel within its group runs faster, so it stands first.
        sizes = (
            f"[], {groups}" if letter == "I" else f"size({name}, {axis})"
            for axis, letter in enumerate(before, 1)
        )
        name, before = f"reshape({name}, {', '.join(sizes)})", before.replace("I", "IG")
    return f"permute({name}, [{' '.join(str(before.index(letter) + 1) for letter in after)}])"


def bias_reshaped(name: str, _before: int, after: int) -> str:
    """Write a bias as a layer keeps it, 1-by-1-by-n, or as a column."""
    return f"reshape({name}, {'1, ' * after}[])" if after else f"{name}(:)"
