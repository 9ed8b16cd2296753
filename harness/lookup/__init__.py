"""Look-ups: from a snippet to a call site, to what it means, to the equal call everywhere else."""

from typing import Final

BENCHDNN: Final = "benchdnn"  # The notation's name, known without importing it
