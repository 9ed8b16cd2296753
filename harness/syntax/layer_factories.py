"""Factories that give a framework's class of layers for a key: ``Conv["convtrans", 2]``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

# By the factory's full name, and by its key in small letters: the class for each number of axes.
_CLASSES: Final = {
    f"monai.networks.layers.{module}Conv": {
        "convtrans": "torch.nn.ConvTranspose{}d",
        "conv": "torch.nn.Conv{}d",
    }
    for module in ("", "factories.")
}


def classes(factory: str, key: str, ranks: Iterable[int] = (1, 2, 3)) -> Iterator[str]:
    """Yield the classes that a factory gives for a key; none where either is not known.

    >>> [*classes("monai.networks.layers.Conv", "CONVTRANS", [2])]
    ['torch.nn.ConvTranspose2d']
    """
    pattern = _CLASSES.get(factory, {}).get(key.lower())
    yield from (pattern.format(rank) for rank in ranks if pattern)


def names(text: str) -> Iterator[str]:
    """Yield the classes, without their modules, that a text may take from a factory.

    >>> [*names("from monai.networks.layers import Conv; up = Conv['convtrans', 2]")][0]
    'ConvTranspose2d'
    """
    words = text.lower()
    for factory, by_key in _CLASSES.items():
        is_named = factory.partition(".")[0] in words
        for key in by_key if is_named else ():
            if key in words:
                yield from (each.rpartition(".")[2] for each in classes(factory, key, (2, 1, 3)))
