"""What ran one column of a report, or why nothing did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

_WRITTEN_ALWAYS: Final = ("version", "engine", "python", "numpy", "device")


@dataclass(frozen=True)
class ColumnInfo:
    """What a report's header says of a column.

    >>> ColumnInfo(unavailable="no environment").to_json()
    {'unavailable': 'no environment'}
    """

    version: str = ""  # The framework's
    engine: str = ""  # ``python``, or the interpreter of another language
    # Versions of what it computes with.
    python: str = ""
    numpy: str = ""
    device: str = ""  # ``cpu``, or the GPU's name and its arithmetic
    blas: str = ""
    compiler: str = ""
    # How many threads it may use; the cores that it is held to, where it is held to any.
    threads: str = ""
    cores: str = ""
    door: str = ""  # How an implementation is reached; empty for a framework
    unavailable: str = ""  # Why nothing was run

    @classmethod
    def from_json(cls, values: Mapping[str, str]) -> ColumnInfo:
        """Read a header's object; what a newer deconform adds to it is left out."""
        known = cls.__dataclass_fields__.keys() & values
        return cls(**{name: values[name] for name in known})

    def to_json(self) -> dict[str, str]:
        """Write the object: of what ran always the first five, of the others what is known."""
        always = () if self.unavailable else _WRITTEN_ALWAYS
        return {name: value for name, value in asdict(self).items() if value or name in always}

    @property
    def is_documented(self) -> bool:
        """Whether our definitions of documented semantics were run, not the product."""
        return self.engine.startswith("documented semantics")
