"""Changes that no test can notice, by module and by the line that they write, with the reason."""

from __future__ import annotations

from typing import Final

EQUIVALENT: Final[dict[str, dict[str, str]]] = {}
