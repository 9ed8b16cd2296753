"""TorchScript: the code of each module is parsed, and the module's weights say its shapes.

https://github.com/pytorch/pytorch/blob/main/torch/csrc/jit/docs/serialization.md
"""

from __future__ import annotations

import ast
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from harness.convention.layers import Found, Layer, Refused, array_of
from harness.core.archives import member
from harness.core.bounded import MIB
from harness.core.errors import InputError
from harness.core.pickles import Made, Named
from harness.frameworks.pytorch.calls import FORMS
from harness.frameworks.pytorch.tensors import bias_of, shape_of_tensor
from harness.syntax.tree import Name, SnippetError, Value, check_text

_MOST_CODE: Final = MIB  # Of one file
_MOST_FILES: Final = 10_000
_MOST_VISITS: Final = 100_000
_DEEPEST: Final = 60
_MOST_STEPS: Final = 20  # Names that stand for names
_FUNCTIONS: Final = {form.rank: form for form in FORMS if form.style == "function"}
_TRANSPOSED: Final = re.compile(r"torch\.conv_transpose([123])d")
_ANY: Final = re.compile(r"torch\._?convolution")
_ALIKE: Final = re.compile(r"(?i)ops\.\w+\.\w*(conv\w*transpose|deconv)\w*")
_MENTIONED: Final = re.compile(rb"conv_?transpose|_?convolution\(|deconv", re.IGNORECASE)
_OF_TRANSPOSED: Final = (
    *("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation"),
)
_OF_ANY: Final = (
    *("input", "weight", "bias", "stride", "padding", "dilation", "transposed", "output_padding"),
    "groups",
)
_SELF: Final = Named("self")
_SETTINGS: Final = {"stride", "padding", "output_padding", "groups", "dilation"}


def layers(opened: zipfile.ZipFile, root: str, value: Any, constants: Any) -> Iterator[Found]:
    """Yield the transposed convolutions of a program.

    Parameters
    ----------
    opened : zipfile.ZipFile
    root : str
        The folder of the program in the archive.
    value, constants
        The structures of its two pickles.
    """
    program = _Program(opened, f"{root}code/", constants if isinstance(constants, tuple) else ())
    yield from program.of_object(value, "", 0)
    yield from program.of_functions()


@dataclass(frozen=True)
class _Class:
    """A class of the program's code."""

    methods: tuple[ast.FunctionDef, ...]
    finals: Mapping[str, ast.expr]  # Its constants


@dataclass
class _Program:
    """A program's code, parsed where it is needed."""

    opened: zipfile.ZipFile
    root: str
    constants: tuple[Any, ...]
    left: int = _MOST_VISITS
    files: dict[str, ast.Module] = field(default_factory=dict)

    def of_object(self, value: Any, path: str, depth: int) -> Iterator[Found]:
        """Yield what an object's code computes, and what the objects in it do."""
        self.left -= 1
        if self.left < 0 or depth > _DEEPEST:
            raise InputError(f"it has more than {_MOST_VISITS} modules, or {_DEEPEST} in modules.")
        if not isinstance(value, Made) or not isinstance(value.state, Mapping):
            return
        if value.by.name.startswith("__torch__."):
            yield from self._of_class(value.by.name, value.state, path)
        for name, each in value.state.items():
            yield from self.of_object(each, f"{path}.{name}" if path else name, depth + 1)

    def of_functions(self) -> Iterator[Found]:
        """Yield functions outside of classes that call one: their weights are arguments."""
        names = [each for each in self.opened.namelist() if each.startswith(self.root)]
        for name in names[:_MOST_FILES]:
            content = member(self.opened, name, _MOST_CODE) if name.endswith(".py") else b""
            if not _MENTIONED.search(content):
                continue
            for function in self._tree(name).body:
                if isinstance(function, ast.FunctionDef):
                    for call, kind in _convolutions(function):
                        if kind != "any" or _is_transposed(call):
                            yield Refused(
                                function.name,
                                "it is in a function whose arguments the weights are: look up "
                                "the code that calls it.",
                            )

    def _tree(self, file: str) -> ast.Module:
        if file not in self.files:
            text = member(self.opened, file, _MOST_CODE).decode(errors="replace")
            try:
                check_text(text or "\n#")
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # On escapes in its texts
                    self.files[file] = ast.parse(text)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                # SnippetError is a ValueError, too.
                why = error.fact if isinstance(error, SnippetError) else "it is no Python"
                raise InputError(f"{file} cannot be read: {why}") from None
        return self.files[file]

    def _class(self, name: str) -> _Class | None:
        """Return the class of a full name such as ``__torch__.torch.nn.modules.conv.Conv``."""
        module, _, last = name.rpartition(".")
        file = f"{self.root}{module.replace('.', '/')}.py"
        if file not in self.opened.NameToInfo:
            return None
        for each in self._tree(file).body:
            if isinstance(each, ast.ClassDef) and each.name == last:
                finals = {
                    part.target.id: part.value
                    for part in each.body
                    if isinstance(part, ast.AnnAssign)
                    and isinstance(part.target, ast.Name)
                    and part.value
                }
                methods = (part for part in each.body if isinstance(part, ast.FunctionDef))
                return _Class(tuple(methods), finals)
        return None

    def _of_class(self, name: str, state: Mapping[str, Any], path: str) -> Iterator[Found]:
        known = self._class(name)
        found: list[tuple[str, Found]] = []
        for method in known.methods if known else ():
            scope = _Scope(method, known, state, self.constants)
            for call, kind in _convolutions(method):
                target = scope.target(call)
                if (layer := scope.layer(call, kind, path or target)) is not None:
                    found.append((target, layer))
        for target, layer in found:
            # Several in one module are told apart by what their results are called.
            several = len(found) > 1 and bool(path)
            yield _renamed(layer, f"{path}.{target}") if several else layer


def _renamed(found: Found, name: str) -> Found:
    if isinstance(found, Refused):
        return Refused(name, found.fact)
    return Layer(name, found.form, found.arguments, found.notes)


def _convolutions(method: ast.FunctionDef) -> Iterator[tuple[ast.Call, str]]:
    """Yield calls of convolutions: with their rank where it is in the name, ``any``, or ``own``."""
    for node in ast.walk(method):
        if isinstance(node, ast.Call):
            function = _dotted(node.func)
            if match := _TRANSPOSED.fullmatch(function):
                yield node, match[1]
            elif _ANY.fullmatch(function):
                yield node, "any"
            elif _ALIKE.fullmatch(function):
                yield node, "own"


def _is_transposed(call: ast.Call) -> bool:
    """Whether the argument of a convolution that says so is true, or not known."""
    place = _OF_ANY.index("transposed")
    given = call.args[place] if place < len(call.args) else None
    return not (isinstance(given, ast.Constant) and given.value is False)


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _parts(value: Value) -> tuple[Value, ...]:
    return value if isinstance(value, tuple) else ()


class _Scope:
    """What the names of a method stand for, and its object's attributes."""

    def __init__(
        self,
        method: ast.FunctionDef,
        known: _Class | None,
        state: Mapping[str, Any],
        constants: tuple[Any, ...],
    ) -> None:
        self._finals = known.finals if known else {}
        self._state, self._constants = state, constants
        # Each name is given a value once, as far as it is one.
        self._assigned: dict[str, list[ast.expr]] = {}
        self._targets: dict[int, str] = {}
        for node in ast.walk(method):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self._assigned.setdefault(node.targets[0].id, []).append(node.value)
                for inner in ast.walk(node.value):
                    self._targets.setdefault(id(inner), node.targets[0].id)
        self._method = method.name

    def target(self, call: ast.Call) -> str:
        """Return the name that the statement around a call gives its result."""
        return self._targets.get(id(call), self._method)

    def layer(self, call: ast.Call, kind: str, name: str) -> Found | None:
        """Return a call as the one of ``torch.nn.functional``."""
        if kind == "own":
            return Refused(name, f"{_dotted(call.func)} is not read here.")
        if kind == "any" and not _is_transposed(call):
            return None
        names = _OF_ANY if kind == "any" else _OF_TRANSPOSED
        given = dict(zip(names, call.args, strict=False))
        given |= {each.arg: each.value for each in call.keywords if each.arg}
        if "transposed" in given and self._value(given["transposed"]) is not True:
            return Refused(name, "whether the convolution is transposed is computed.")
        weight, notes = self._weight(given.get("weight"))
        rank = len(weight) - 2 if kind == "any" else int(kind)
        if rank not in _FUNCTIONS:
            return Refused(name, "nothing says how many axes its weights have.")
        extra = self._resolved(given.get("output_padding"))
        if isinstance(extra, ast.Call) and _dotted(extra.func) == "self._output_padding":
            given["output_padding"] = self._finals.get("output_padding", extra)
            notes.append("output_padding is the layer's own: its call may give an output_size.")
        settings = {key: self._value(each) for key, each in given.items() if key in _SETTINGS}
        for key, value in settings.items():
            if any(isinstance(each, Name) for each in (value, *_parts(value))):
                return Refused(name, f"{key} is computed when the program runs.")
        arguments: dict[str, Value] = {**settings}
        if len(weight) == rank + 2 and min(weight) > 0:
            arguments["weight"] = array_of(weight)
        if bias := self._bias(given.get("bias")):
            arguments["bias"] = bias
        return Layer(name, _FUNCTIONS[rank], arguments, tuple(notes))

    def _resolved(self, node: ast.expr | None) -> ast.expr | None:
        """Follow names to what they stand for, where that is certain."""
        for _ in range(_MOST_STEPS):
            if not isinstance(node, ast.Name) or len(self._assigned.get(node.id, ())) != 1:
                break
            node = self._assigned[node.id][0]
        return node

    def _value(self, node: ast.expr | None) -> Value:
        node = self._resolved(node)
        match node:
            case ast.Constant(value=int() | str() | None as value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))):
                return -number
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                return tuple(self._value(each) for each in parts[:10])
            case ast.Call(func=ast.Name(id="annotate"), args=[_, inner]):
                return self._value(inner)
        held = self._held(node)
        if isinstance(held, int | str):
            return held
        return Name("computed", 0)

    def _held(self, node: ast.expr | None) -> Any:
        """Return what an attribute of the object, or a constant of the program, is."""
        path: list[str] = []
        for _ in range(_MOST_STEPS):
            node = self._resolved(node)
            if not isinstance(node, ast.Attribute):
                break
            path.insert(0, node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or not path:
            return None
        if node.id == "CONSTANTS" and (match := re.fullmatch(r"c(\d{1,6})", path[0])):
            place = int(match[1])
            return self._constants[place] if place < len(self._constants) else None
        value: Any = Made(_SELF, (), self._state) if node.id == "self" else None
        for name in path:
            state = value.state if isinstance(value, Made) else None
            value = state.get(name) if isinstance(state, Mapping) else None
        return value

    def _weight(self, node: ast.expr | None) -> tuple[tuple[int, ...], list[str]]:
        """Return the shape of the weights, empty where it is not known, with notes."""
        node, notes = self._resolved(node), list[str]()
        if isinstance(node, ast.Call) and _dotted(node.func) == "torch._weight_norm":
            node = node.args[0] if node.args else None
            notes.append("The weights are normalised: carry over what that gives.")
        return shape_of_tensor(self._held(node)) or (), notes

    def _bias(self, node: ast.expr | None) -> Value:
        node = self._resolved(node)
        if node is None or (isinstance(node, ast.Constant) and node.value is None):
            return None
        if isinstance(node, ast.Attribute):
            return bias_of(self._held(node))
        return array_of((1,))
