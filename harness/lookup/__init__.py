"""Look-ups: from a snippet to a call site, to what it means, to the equal call everywhere else."""

import re
from typing import Final

BENCHDNN: Final = "benchdnn"  # The notation's name, known without importing it
# Of files of code.
SUFFIXES: Final = (".py", ".ipynb", ".m", ".mlx", ".md", ".wl", ".wls", ".nb", ".txt")
_BARE: Final = r"(?:(?:g|mb|[io]c|[ioksdp][dhw])\d+_?){3}\S*"


def is_benchdnn(text: str) -> bool:
    """Whether a text is meant for benchdnn: a command line, options, or a descriptor alone.

    >>> is_benchdnn("--dt=f32 ic3oc4_ih5oh5kh3ph1"), is_benchdnn("ic3_oc4_k3x3_c1.1x1.1")
    (True, False)
    """
    first, *others = text.split(maxsplit=1) or [""]
    is_command = first.startswith("--") or first.rpartition("/")[2] == BENCHDNN
    return is_command or (not others and re.fullmatch(_BARE, first, re.ASCII) is not None)
