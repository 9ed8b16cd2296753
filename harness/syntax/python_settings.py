"""Settings with defaults in a Python text: ``argparse``, dataclasses, classes of constants.

What is not said otherwise has its default; the answer notes it, as of parameters.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from harness.syntax.expressions import Source, is_plain
from harness.syntax.names import EVERYTHING, Names, can_change, is_dict
from harness.syntax.python_changes import FUNCTIONS, changed_attributes, dotted, text_of
from harness.syntax.python_classes import (
    FollowedClass,
    FollowedFunction,
    NotFollowedError,
    given_to,
    line_of_classes,
)
from harness.syntax.python_passing import Passing, parts_of_record
from harness.syntax.python_sequences import attributes_per_axis, settings_of
from harness.syntax.tree import (
    Call,
    Defined,
    Joined,
    Name,
    Record,
    Reference,
    Setting,
    Statement,
    Unread,
    Value,
    is_sequence,
    last_name,
)

_DATA: Final = {"dataclass", "dataclasses.dataclass"}
_TUPLES: Final = {"NamedTuple", "typing.NamedTuple"}
_RECORDS: Final = {"SimpleNamespace", "Namespace", "EasyDict", "edict", "AttrDict", "Munch", "Box"}
_GROUPS: Final = {"add_argument_group", "add_mutually_exclusive_group"}
_PARSED: Final = {"parse_args", "parse_known_args"}
_OF_SETTINGS: Final = re.compile(r"(?:[\w.]*(?:object|Config|Settings))?")
_FLAGS: Final = {"store_true": False, "store_false": True}


@dataclass
class _Options:
    """The options of a parser of arguments, and where the parser is made."""

    block: tuple[int, ...]
    defaults: dict[str, Value] = field(default_factory=dict)


class Settings(Passing):
    """Gives the attributes of settings their defaults."""

    def __init__(
        self, source: Source, left_out: Sequence[Unread], values: Mapping[str, Value]
    ) -> None:
        super().__init__(source, left_out, values)
        self._options: dict[str, _Options] = {}  # By the name of the parser, or of a group
        self._module = ast.Module([], [])
        self._changed: set[str] | None = None  # Attributes, once it is asked

    def _assignment(self, targets: Sequence[ast.expr], node: ast.expr) -> Iterator[Statement]:
        source = dotted(node)
        parts = self._parts_of(source, "") if source in self._objects else {}
        yield from super()._assignment(targets, node)
        if isinstance(node, ast.Call):
            self._make_parser(targets, node)
            value = self._call(node).result
            parts = parts_of_record(value) if isinstance(value, Record) else {}
            if isinstance(value, tuple) and value and isinstance(value[0], Record):
                # Of parse_known_args, whose second result is what was not known.
                first = targets[0]
                targets = first.elts[:1] if isinstance(first, ast.Tuple) else []
                parts = parts_of_record(value[0])
        for target in targets if parts else ():
            name = dotted(target)
            self._objects.add(name)
            for part, (given, assumed) in parts.items():
                is_changed = part.rpartition(".")[2] in self._patched
                if name and not is_changed and name not in self._shared:
                    shown = tuple(f"{name}{each}" for each in assumed if each.startswith("."))
                    others = tuple(each for each in assumed if not each.startswith("."))
                    self.names.give_part(f"{name}{part}", given, (*others, *shown))

    def _give_settings(self, name: str, record: Record, shown: str) -> None:
        self._objects.add(name)
        for part, (value, _) in parts_of_record(record).items():
            if part.rpartition(".")[2] not in self._patched:
                self.names.give_part(f"{name}{part}", value, (f"{name}={shown}",))

    def _class_by_default(self, name: str, default: ast.expr) -> Value:
        whole = dotted(default)
        parts = self._parts_of(whole, "") if isinstance(self.names.owner(whole), Defined) else {}
        if not parts:
            return super()._class_by_default(name, default)
        settings = (Setting(part[1:], value, is_default=True) for part, (value, _) in parts.items())
        return Record(whole, 0, settings=tuple(settings))

    def _sequences_among(
        self, node: FUNCTIONS, defaults: Sequence[tuple[str, Value, str]]
    ) -> Sequence[str]:
        found = [*super()._sequences_among(node, defaults)]
        objects = [(name, value) for name, value, _ in defaults if isinstance(value, Record)]
        if node.name in self._likely:
            objects += self._annotated(node.args)
        for name, record in objects:
            parts = parts_of_record(record).items()
            found += [f"{name}{part}" for part, (value, _) in parts if isinstance(value, tuple)]
        return found

    def _annotated(self, arguments: ast.arguments) -> Iterator[tuple[str, Record]]:
        """Parameters that are settings of a class, ``config: Config``, as by default."""
        for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            name = "" if each.annotation is None else dotted(each.annotation)
            owner = self.names.owner(name) if name else None
            code = owner.code if isinstance(owner, Defined) else None
            if isinstance(code, FollowedClass) and name not in self._likely:
                try:
                    made = self._record_of(Call(Name(name, 0), (), 0), code).result
                except NotFollowedError:
                    continue
                if isinstance(made, Record):
                    yield each.arg, made

    def _define(
        self, node: FUNCTIONS | ast.ClassDef, code: FollowedFunction | FollowedClass | None
    ) -> None:
        super()._define(node, code)
        if isinstance(node, ast.ClassDef) and node.name not in self._patched | self._shared:
            for name, value in self._attributes_of(node, self.names).given.items():
                self.names.give_part(f"{node.name}.{name.removeprefix('self.')}", value)

    def _make_parser(self, targets: Sequence[ast.expr], node: ast.Call) -> None:
        """Note a parser of arguments, or a group of its options."""
        name, function = dotted(targets[0]), text_of(node.func)
        owner, _, last = function.rpartition(".")
        if last == "ArgumentParser" and name:
            self._options[name] = _Options(self._block)
        elif last in _GROUPS and owner in self._options and name:
            self._options[name] = self._options[owner]
        else:
            self._options.pop(name, None)

    def _new_call(self, node: ast.Call) -> Call:
        call = super()._new_call(node)
        owner, _, last = call.dotted.rpartition(".")
        options = self._options.get(owner)
        if options is not None and last == "add_argument":
            self._add_option(options, node, call)
        elif options is not None and last == "set_defaults":
            options.defaults |= dict.fromkeys(call.named, Name("", 0))
        if options is not None and last in _PARSED:
            return _with_record(call, options.defaults, {*options.defaults})
        if last_name(call) == "replace":
            return self._replaced(call)
        is_record = last_name(call) in _RECORDS and not isinstance(call.owner, Defined)
        if is_record and not call.positional and "**" not in call.named:
            return _with_record(call, call.named, set())
        return call

    def _replaced(self, call: Call) -> Call:
        """``dataclasses.replace(config, stride=3)``."""
        given = call.positional
        whole = given[0] if len(given) == 1 and "**" not in call.named else None
        if isinstance(whole, Record):
            parts = parts_of_record(whole)
        elif isinstance(whole, Name) and whole.text in self._objects:
            parts = self._parts_of(whole.text, "")
        else:
            return call
        fields = {part.removeprefix("."): value for part, (value, _) in parts.items()}
        defaults = {part.removeprefix(".") for part, (_, assumed) in parts.items() if assumed}
        return _with_record(call, fields | call.named, defaults - {*call.named})

    def _add_option(self, options: _Options, node: ast.Call, call: Call) -> None:
        """Add the default of an option, where it is certain that there is the option."""
        flags = [each for each in call.positional if isinstance(each, str)]
        long = next((each for each in flags if each.startswith("--")), flags[0] if flags else "")
        named = call.named
        name = named.get("dest", long.lstrip("-").replace("-", "_"))
        if not isinstance(name, str) or not name.isidentifier():
            return
        default = named.get("default")
        action = named.get("action")
        if "default" not in named and isinstance(action, str):
            default = _FLAGS.get(action)
        if "default" not in named and _takes_several(named.get("nargs")):
            options.defaults[name] = Joined(name, 0)
            return
        is_known = is_plain(default) and not can_change(default) and "**" not in named
        # A size of 0 is none that anybody means: the program needs the option.
        is_known = is_known and not (type(default) is int and default == 0)
        # argparse gives a default that is text to the type, which may make anything of it.
        is_converted = isinstance(default, str) and "type" in named and _type_of(node) != "str"
        is_certain = self._block == options.block and name not in options.defaults
        is_option = long.startswith("-")
        is_used = is_known and is_certain and is_option and not is_converted
        unknown = Joined(name, 0) if isinstance(default, tuple) else Name(name, 0)
        options.defaults[name] = default if is_used else unknown

    def _record_of(self, call: Call, code: FollowedClass) -> Call:
        """A call of a class of settings, with the attributes of what it makes."""
        try:
            classes = line_of_classes(code)
            inits = [init for each in classes if (init := each.method("__init__")) is not None]
        except NotFollowedError:
            return call
        if {each.node.name for each in classes} & self._patched:
            return call
        is_data = any(map(_is_data, classes))
        fields: dict[str, Value] = {}
        for each in reversed(classes):
            fields |= self._fields_of(each)
        if inits:
            if not _OF_SETTINGS.fullmatch(classes[-1].base):
                return call  # An initializer, say, which is more than its attributes
            made = self._made_by_init(call, inits[0], code.around, fields)
            return call if made is None else _with_record(call, made, set())
        given = {name: value for name, value in call.named.items() if name in fields}
        if is_data:
            given |= dict(zip(fields, call.positional, strict=False))
        if len(given) < len(call.arguments):
            return call
        return _with_record(call, fields | given, {*fields} - {*given} if is_data else set())

    def _made_by_init(
        self, call: Call, init: ast.FunctionDef, around: Names, fields: Mapping[str, Value]
    ) -> dict[str, Value] | None:
        """The attributes of an object whose ``__init__`` only gives it some; ``None`` of others."""
        if (settings := settings_of(init)) is None:
            return None
        rest = init.args.kwarg.arg if init.args.kwarg is not None and settings.takes_all else ""
        try:
            with self._apart():
                self.names = around.copy()
                given = given_to(init.args, call, self._values_of_defaults(init))
            with self._apart():
                self.names, self._read = around.copy(), {}
                for name, value in given.items():
                    self.names.give(name, value)
                made = {name: self.value(node) for name, node in settings.attributes.items()}
        except NotFollowedError:
            return None
        more = given.get(rest)
        return {**fields, **made, **(more.named if isinstance(more, Call) else {})}

    def _fields_of(self, code: FollowedClass) -> dict[str, Value]:
        fields: dict[str, Value] = {}
        for each in code.node.body:
            match each:
                case ast.AnnAssign(target=ast.Name(name), value=value):
                    pass
                case ast.Assign(targets=[ast.Name(name)], value=value):
                    pass
                case _:
                    continue
            default = _default_of(value)
            known = Name(name, 0) if default is None else self._constant(default, code.around)
            known = self.with_meanings(known)  # Also of ``up_class = nn.ConvTranspose2d``
            is_known = _is_known(known)
            fields[name] = known if is_known else Name(name, 0)
        return fields

    def _attributes_of(self, node: ast.ClassDef, around: Names) -> Names:
        """What the body of a class gives its objects, where nothing else gives it to them."""
        attributes, scope = Names(), self._scope_of(node)
        for name, value in self._fields_of(FollowedClass.of(node, around, around)).items():
            others = name in self._patched or name in self._overridden[node.name]
            is_only = scope.bound[name] == 1 and not scope.bound[f"self.{name}"] and not others
            is_known = _is_known(value)
            if is_only and is_known and not (can_change(value) and self._may_change(name)):
                attributes.give(f"self.{name}", value)
        for name in attributes_per_axis(node):
            if not (scope.bound[name] or scope.bound[f"self.{name}"] or name in self._patched):
                attributes.give(f"self.{name}", Joined(f"self.{name}", 0))
        return attributes

    def _may_change(self, attribute: str) -> bool:
        """Whether the text may change the list that an attribute holds, of whatever object."""
        if self._changed is None:
            self._changed = changed_attributes(self._module)
        return not {attribute, EVERYTHING}.isdisjoint(self._changed)


def _is_known(value: Value) -> bool:
    """Whether it is plain, or a class, or a dictionary of what is."""
    if isinstance(value, Call) and is_dict(value):
        parts = [each.value for each in value.arguments]
        return all(_is_known(each) or (type(each) is Name and "." in each.text) for each in parts)
    return is_plain(value) or isinstance(value, Reference | Defined)


def _takes_several(count: Value) -> bool:
    """Whether an option is given a list, by its ``nargs``."""
    return type(count) is int or count in ("+", "*")


def _type_of(node: ast.Call) -> str:
    """What an option's type is written as."""
    return next((text_of(each.value) for each in node.keywords if each.arg == "type"), "")


def _is_data(code: FollowedClass) -> bool:
    decorators = {text_of(each).partition("(")[0] for each in code.node.decorator_list}
    return bool(decorators & _DATA) or code.base in _TUPLES


def _default_of(value: ast.expr | None) -> ast.expr | None:
    """The default of a field, also where it is ``field(default=…)``."""
    match value:
        case ast.Call(func=function, keywords=keywords) if text_of(function).endswith("field"):
            for each in keywords:
                if each.arg == "default":
                    return each.value
                if each.arg == "default_factory" and isinstance(each.value, ast.Lambda):
                    return each.value.body
            return None
    return value


def _with_record(call: Call, fields: dict[str, Value], defaults: set[str]) -> Call:
    """A call with the attributes of what it makes; some of them have only their defaults."""
    settings = tuple(
        Setting(name, value, is_default=name in defaults)
        for name, value in fields.items()
        if is_plain(value) or is_sequence(value)
    )
    record: Value = Record(call.dotted, call.column, (call,), settings=settings)
    if last_name(call) == "parse_known_args":
        record = (record, Name("others", call.column))
    return Call(call.function, call.arguments, call.column, call.assumed, call.owner, record)
