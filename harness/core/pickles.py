"""Read a pickle's structure without executing anything of it.

The standard library takes the bytes apart; what a pickle would import or call becomes an inert
note of its name.  A reader of weights takes names from a list of modules alone, so that a file may
hold its options next to its arrays, as ``torch.load(weights_only=True)`` does; a reader of models
takes any name, for it looks at names and numbers only.
"""

from __future__ import annotations

import pickletools
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Final

_MOST_BYTES: Final = 64 << 20
_MOST_STEPS: Final = 4_000_000
# Modules of which anything may be named, because nothing of it is called here.
_MODULES: Final = re.compile(r"(?:torch|numpy|collections|argparse|pathlib|datetime)(?:\.|$)")
_NAMES: Final = {
    *(f"{module}._reconstructor" for module in ("copyreg", "copy_reg")),
    "_codecs.encode",
    *(
        f"{module}.{name}"
        for module in ("builtins", "__builtin__")
        for name in (
            *("set", "frozenset", "slice", "range", "complex", "bytearray", "object"),
            *("int", "float", "bool", "str", "list", "dict", "tuple", "bytes"),
        )
    ),
}


class PickleError(ValueError):
    """Bytes that are no pickle, or one that asks for what is never executed."""


@dataclass(frozen=True)
class Named:
    """What a pickle names in a module, such as ``torch.FloatStorage``; never imported."""

    name: str

    @property
    def last(self) -> str:
        """The name without its module."""
        return self.name.rpartition(".")[2]


@dataclass(eq=False)
class Made:
    """What a pickle would make by a call."""

    by: Named
    arguments: tuple[Any, ...]
    state: Any = None


@dataclass(frozen=True, eq=False)
class Outside:
    """What a pickle keeps outside of itself, by what it is known by there."""

    known_by: Any


class _Limited:
    """Hands on no more bytes than a pickle may have."""

    def __init__(self, source: IO[bytes], most: int) -> None:
        self._source = source
        self._left = self._most = most

    def read(self, size: int) -> bytes:
        if size > self._left:
            raise PickleError(
                f"its pickle has more than {self._most >> 20} MiB, the most that is read."
            )
        self._left -= size
        return self._source.read(size)

    def readline(self) -> bytes:
        # Names and numbers in words: lines of a few characters.
        line = bytearray()
        while len(line) < 10_000 and not line.endswith(b"\n"):
            if not (byte := self.read(1)):
                break
            line += byte
        return bytes(line)


def unpickled(source: IO[bytes], *, any_name: bool = False, most_bytes: int = _MOST_BYTES) -> Any:
    r"""Return the structure of the next pickle of a file.

    Dictionaries have text as keys; sets are lists.  With ``any_name`` it may name anything: that is
    a note all the same.  It may have ``most_bytes``: more where arrays stand in it.

    Raises
    ------
    PickleError
        Or any ``ValueError``, where it cannot be read.

    Examples
    --------
    >>> import io
    >>> unpickled(io.BytesIO(b"\x80\x02}X\x01\x00\x00\x00aK\x07s."))
    {'a': 7}
    >>> unpickled(io.BytesIO(b"cos\nsystem\n(S'ls'\ntR."))
    Traceback (most recent call last):
    harness.core.pickles.PickleError: it asks for os.system, of which nothing was executed.
    """
    machine = _Machine(any_name)
    try:
        # It can be read, which is all that is asked for.
        limited: Any = _Limited(source, most_bytes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # On escapes in its texts
            for count, (step, argument, _) in enumerate(pickletools.genops(limited)):
                if count > _MOST_STEPS:
                    raise PickleError(f"its pickle has more than {_MOST_STEPS} steps.")
                machine.do(step.name, argument)
        if len(machine.stack) != 1:
            raise PickleError("its pickle is damaged.")
    except (IndexError, KeyError, TypeError):
        raise PickleError("its pickle is damaged.") from None
    return machine.stack[0]


@dataclass
class _Machine:
    """Pickle's stack machine: https://github.com/python/cpython/blob/main/Lib/pickletools.py."""

    any_name: bool = False
    stack: list[Any] = field(default_factory=list)
    below: list[list[Any]] = field(default_factory=list)  # The stacks under the marks
    memo: dict[int, Any] = field(default_factory=dict)

    def do(self, name: str, argument: Any) -> None:
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _STEPS:
            _STEPS[name](self, argument)
        else:
            raise PickleError(f"its pickle has a step {name}, which no file of arrays needs.")

    def mark(self, _: Any) -> None:
        self.below.append(self.stack)
        self.stack = []

    def items(self) -> list[Any]:
        """Return what stands above the last mark, which is taken away."""
        items, self.stack = self.stack, self.below.pop()
        return items

    def popped(self, count: int) -> tuple[Any, ...]:
        items = tuple(self.stack.pop() for _ in range(count))
        return items[::-1]

    def put(self, place: int | None) -> None:
        self.memo[len(self.memo) if place is None else place] = self.stack[-1]

    def get(self, place: int) -> None:
        self.stack.append(self.memo[place])

    def add(self, items: Sequence[Any]) -> None:
        into = self.stack[-1]
        if isinstance(into, list):
            into.extend(items)

    def set(self, items: Sequence[Any]) -> None:
        into = self.stack[-1]
        if not isinstance(into, dict):
            return
        for key, value in zip(items[::2], items[1::2], strict=True):
            name = _key(key)
            if name in into:
                raise PickleError(f"it holds two entries of the name {name:.80}.")
            into[name] = value

    def name(self, argument: str) -> None:
        self._named(*argument.split(" ", 1))

    def name_of_stack(self, _: Any) -> None:
        self._named(*self.popped(2))

    def _named(self, module: str, name: str) -> None:
        whole = f"{module}.{name}"
        if not (self.any_name or _MODULES.match(module) or whole in _NAMES):
            raise PickleError(f"it asks for {whole:.200}, of which nothing was executed.")
        self.stack.append(Named(whole))

    def call(self, _: Any) -> None:
        by, arguments = self.popped(2)
        if not isinstance(by, Named) or not isinstance(arguments, tuple):
            raise PickleError("its pickle calls what is no name.")
        is_mapping = by.name in ("collections.OrderedDict", "collections.defaultdict")
        self.stack.append({} if is_mapping else Made(by, arguments))
        if is_mapping and arguments and isinstance(arguments[0], list):
            self.set([each for pair in arguments[0] for each in (pair[0], pair[1])])

    def new_with_keywords(self, _: Any) -> None:
        by, arguments, _keywords = self.popped(3)
        self.stack += [by, arguments]
        self.call(None)

    def state(self, _: Any) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Made):
            self.stack[-1].state = state

    def stop(self, _: Any) -> None:
        if self.below:
            raise PickleError("its pickle ends in the middle.")


def _key(key: Any) -> str:
    # A tuple's hash would be computed without a bound on its depth.
    if isinstance(key, str | int | float | None):
        return str(key)
    return f"<{type(key).__name__}>"


_VALUES: Final = {
    *("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "BINFLOAT", "FLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE"),
    *("BINSTRING", "SHORT_BINSTRING", "STRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_CONSTANTS: Final = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_M = _Machine
_STEPS: Final[dict[str, Callable[[_Machine, Any], Any]]] = {
    **dict.fromkeys(("PROTO", "FRAME"), lambda *_: None),
    "STOP": _M.stop,
    "MARK": _M.mark,
    "POP": lambda m, _: m.stack.pop(),
    "POP_MARK": lambda m, _: m.items(),
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    **dict.fromkeys(("EMPTY_LIST", "EMPTY_SET"), lambda m, _: m.stack.append([])),
    "TUPLE": lambda m, _: _push(m, tuple, m.items()),
    "TUPLE1": lambda m, _: m.stack.append(m.popped(1)),
    "TUPLE2": lambda m, _: m.stack.append(m.popped(2)),
    "TUPLE3": lambda m, _: m.stack.append(m.popped(3)),
    **dict.fromkeys(("LIST", "FROZENSET"), lambda m, _: _push(m, list, m.items())),
    "DICT": lambda m, _: _new_dictionary(m, m.items()),
    "APPEND": lambda m, _: m.add(m.popped(1)),
    **dict.fromkeys(("APPENDS", "ADDITEMS"), lambda m, _: m.add(m.items())),
    "SETITEM": lambda m, _: m.set(m.popped(2)),
    "SETITEMS": lambda m, _: m.set(m.items()),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _M.get),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _M.put),
    "GLOBAL": _M.name,
    "STACK_GLOBAL": _M.name_of_stack,
    **dict.fromkeys(("REDUCE", "NEWOBJ"), _M.call),
    "NEWOBJ_EX": _M.new_with_keywords,
    "BUILD": _M.state,
    "BINPERSID": lambda m, _: m.stack.append(Outside(m.stack.pop())),
}


def _push(machine: _Machine, kind: Callable[[list[Any]], Any], items: list[Any]) -> None:
    machine.stack.append(kind(items))


def _new_dictionary(machine: _Machine, items: list[Any]) -> None:
    machine.stack.append({})
    machine.set(items)
