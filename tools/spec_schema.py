"""Write what follows from the table of keys: schemas in ``specs/``, tables of CONTRIBUTING.md.

``python tools/spec_schema.py`` writes both in a checkout; a test holds the committed files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from harness.suite.keys import (
    CASE,
    CLAIMS,
    ENTRIES,
    IMPLEMENTATION,
    MAPPING,
    MATRIX,
    PLACES,
    REQUIRED,
    SWEPT,
    Key,
    Place,
)

Schema: TypeAlias = dict[str, Any]

_BEGIN: Final = "<!-- keys: written by python tools/spec_schema.py -->"
_END: Final = "<!-- end of keys -->"
_ENTRY_OF: Final = {"suite": "case", "limitations": "limitation"}


def schema() -> Schema:
    """Return the JSON Schema of a suite or of a file of limitations.

    >>> sorted(schema()["$defs"]["limitation"]["required"])
    ['cases', 'framework', 'id', 'reason']
    """
    number_or_list = {"anyOf": [{"type": "number"}, {"$ref": "#/$defs/array"}]}
    places = {place.name: _place(place) for place in PLACES}
    places["case"] |= _conditions()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "deconform suite",
        "description": "A file of cases for `deconform run`, or the file of known limitations.",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in _ENTRY_OF],
        "$defs": places
        | {name: _value(CASE.keys[name]) for name in SWEPT}
        | {"array": {"type": "array", "items": number_or_list}},
    }


def implementation_schema() -> Schema:
    """Return the JSON Schema of the file of an implementation under test.

    >>> [door["required"] for door in implementation_schema()["oneOf"]]
    [['python'], ['library'], ['command'], ['onnx']]
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "deconform implementation",
        **_place(IMPLEMENTATION),
        "oneOf": [_has(door) for door in ("python", "library", "command", "onnx")],
        "$defs": {"claims": _place(CLAIMS)},
    }


def _place(place: Place) -> Schema:
    properties = {
        key.name: {"$ref": f"#/$defs/{key.name}"} if key.label is not None else _value(key, place)
        for key in place.keys.values()
    }
    # The conditions demand the keys that a matrix or a call may state instead.
    required = [k.name for k in place.keys.values() if k.default is REQUIRED and k.label is None]
    return {
        "description": place.meaning,
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": properties,
    }


def _value(key: Key, place: Place = CASE) -> Schema:
    value: Schema = {"description": key.meaning, **key.kind.schema}
    if key.kind is MAPPING:
        return {"description": key.meaning, "$ref": f"#/$defs/{key.name}"}
    if key.kind is ENTRIES:
        value["items"] = {"$ref": f"#/$defs/{_ENTRY_OF[place.name]}"}
    if key.kind is MATRIX:
        sweep = {"type": "array", "minItems": 1}
        value |= {"additionalProperties": False, "properties": {}}
        for name in SWEPT:
            about = {"description": f"Values of {name} to sweep."}
            value["properties"][name] = about | sweep | {"items": {"$ref": f"#/$defs/{name}"}}
    if key.default not in (REQUIRED, None, "", (), {}):
        value["default"] = key.default
    if key.examples:
        value["examples"] = list(key.examples)
    return value


def _conditions() -> Schema:
    """Which keys of a case need or exclude each other."""
    excluded = {
        switch: _any_of(key.name for key in CASE.keys.values() if key.not_with == switch)
        for switch in ("call", "rejected")
    }
    needed = [name for name in SWEPT if CASE.keys[name].default is REQUIRED]
    called = {
        "required": ["call"],
        "not": excluded["call"],
        "properties": {"matrix": {"not": excluded["call"]}, "rejected": {"const": False}},
    }
    written_out = {
        "not": _any_of(["call", "weight"]),
        "allOf": [
            {"anyOf": [_has(name), {**_has("matrix"), "properties": {"matrix": _has(name)}}]}
            for name in needed
        ],
    }
    return {
        "oneOf": [called, written_out],
        "if": {**_has("rejected"), "properties": {"rejected": {"const": True}}},
        "then": {"not": excluded["rejected"]},
        "else": {"properties": {"says": {"maxProperties": 0}}},
    }


def _has(name: str) -> Schema:
    return {"required": [name]}


def _any_of(names: Iterator[str] | list[str]) -> Schema:
    return {"anyOf": [_has(name) for name in names]}


def _table(place: Place) -> Iterator[str]:
    yield f"`{place.name}`: {place.meaning}"
    yield ""
    yield "| key | value | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for key in place.keys.values():
        examples = [f"`{json.dumps(example)}`" for example in key.examples]
        meaning = key.meaning + (f" Such as {' or '.join(examples)}." if examples else "")
        meaning = re.sub(r"\*(\w+)", r"\\*\1", meaning)
        yield f"| `{key.name}` | {key.kind.words} | {_default(key.default)} | {meaning} |"
    yield ""


def _default(default: Any) -> str:
    if default is REQUIRED:
        return "required"
    return f"`{json.dumps(default)}`".replace('"', "") if default not in (None, "", (), {}) else ""


def documents(root: Path) -> dict[Path, str]:
    """Return what the files of a checkout that are written from the table should hold."""
    schemas = {"schema.json": schema(), "implementation.json": implementation_schema()}
    pages = {"CONTRIBUTING.md": PLACES, "docs/implementations.md": (IMPLEMENTATION, CLAIMS)}
    return {
        **{
            root / "specs" / name: json.dumps(one, indent=2) + "\n" for name, one in schemas.items()
        },
        **{root / name: _with_tables(root / name, places) for name, places in pages.items()},
    }


def _with_tables(page: Path, places: Sequence[Place]) -> str:
    tables = "\n".join(line for place in places for line in _table(place))
    before, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n\n{tables}\n{_END}{after}"


if __name__ == "__main__":
    for path, content in documents(Path(__file__).parents[1]).items():
        path.write_text(content, encoding="utf-8")
