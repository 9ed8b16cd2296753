"""How pytest-xdist spreads tests over its processes, where it is asked for groups.

All tests of a column are one group, so that its framework is started in one process, and once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from xdist.scheduler import LoadGroupScheduling  # type: ignore[import-untyped]

# As items are named; pytest-xdist may add a group.
_COLUMN: Final = re.compile(r"\[([^\[\]]+)-[a-z]+\](@[^\]]*)?$")


class ColumnScheduling(LoadGroupScheduling):  # type: ignore[misc]  # It has no types
    """Spreads groups as pytest-xdist does, and columns also where it cannot tell groups."""

    def __init__(self, config: Any, log: Any, columns: Sequence[str]) -> None:
        super().__init__(config, log)
        self._columns = columns

    def _split_scope(self, nodeid: str) -> str:
        """Return a test's group."""
        column = _COLUMN.search(nodeid)
        if column and column[1] in self._columns:
            return column[1]
        scope: str = super()._split_scope(nodeid)
        return scope

    def _assign_work_unit(self, node: Any) -> None:
        """Begin with the last column: the first is our own implementation, and the quickest."""
        for name in self._columns:
            if name in self.workqueue:
                self.workqueue.move_to_end(name, last=False)
        super()._assign_work_unit(node)
