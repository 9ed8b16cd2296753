"""Texts that are compiled here for a worker of the same Python: of the two, it is the busy one."""

from __future__ import annotations

import marshal
from collections.abc import Iterable
from importlib.util import MAGIC_NUMBER
from typing import Any, Final

_VERSION: Final = MAGIC_NUMBER.hex()
_MOST: Final = 10000  # Texts, as in the worker


class Bytecode:
    """What one worker has been sent of the code of its programs.

    A worker of another Python is sent none, and compiles each text by itself.
    """

    def __init__(self) -> None:
        self._is_wanted = False
        self._sent: set[str] = set()

    def started(self, answer: dict[str, Any]) -> None:
        """Note whose code a worker executes."""
        self._is_wanted = answer.get("bytecode") == _VERSION

    def of(self, sections: Iterable[tuple[str, str]]) -> dict[str, Any]:
        """Return what a request adds: of each section the code, or nothing if it was sent before.

        >>> bytecode = Bytecode()
        >>> bytecode.started({"bytecode": _VERSION})
        >>> [len(code) > 0 for code in bytecode.of([("call", "y = x"), ("after", "y = (")])["code"]]
        [True, False]
        >>> bytecode.of([("call", "y = x")])
        {'code': [b'']}
        """
        if not self._is_wanted:
            return {}
        if len(self._sent) > _MOST:
            self._sent.clear()
        return {"code": [self._code(name, text) for name, text in sections]}

    def _code(self, name: str, text: str) -> bytes:
        if not text or text in self._sent:
            return b""
        self._sent.add(text)
        try:
            code = compile(text, f"<{name}>", "exec")
        except Exception:  # noqa: BLE001 -- the worker says what is wrong with it
            return b""
        return marshal.dumps(code)
