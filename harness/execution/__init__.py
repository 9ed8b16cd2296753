"""What it takes to run a framework: its environment, its device, its engine."""

from typing import Final

# Seconds that one program may take.
TIMEOUT: Final = 60.0
