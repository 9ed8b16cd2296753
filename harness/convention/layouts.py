"""Permutations of weights, written for NumPy arrays as in most frameworks.

A layout names the axes by letters; see ``harness.weights.layouts``.
"""

from __future__ import annotations


def permuted(name: str, before: str, after: str, _groups: int) -> str:
    """Write the permutation of an array from one layout to another.

    >>> permuted("w", "IOHW", "HWOI", 1), permuted("w", "HWOIG", "IOHW", 2)
    ('w.transpose(2, 3, 1, 0)', 'w.transpose(4, 3, 2, 0, 1).reshape(-1, w.shape[2], \
w.shape[0], w.shape[1])')
    """
    merges = "G" in before and "G" not in after
    wanted = after.replace("I", "GI") if merges else after
    axes = ", ".join(str(before.index(letter)) for letter in wanted)
    sizes = ", ".join(
        "-1" if letter == "I" else f"{name}.shape[{before.index(letter)}]" for letter in after
    )
    return f"{name}.transpose({axes})" + (f".reshape({sizes})" if merges else "")


def bias_reshaped(name: str, before: int, after: int) -> str:
    """Write a bias with ``after`` leading axes of one element instead of ``before``."""
    return name if before == after else f"{name}.reshape({'1, ' * after}-1)"
