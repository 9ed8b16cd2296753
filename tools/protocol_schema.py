"""Write what follows from the table of messages: ``docs/protocol.schema.json``, tables of a page.

``python tools/protocol_schema.py`` writes both in a checkout; a test holds the committed files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from harness.engines.protocol import ANSWERS, REQUESTS, Kind, schema

_BEGIN: Final = "<!-- messages: written by python tools/protocol_schema.py -->"
_END: Final = "<!-- end of messages -->"


def documents(root: Path) -> dict[Path, str]:
    """Return what the files of a checkout that are written from the table should hold."""
    page = root / "docs" / "protocol.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    tables = "\n".join(_tables())
    return {
        root / "docs" / "protocol.schema.json": json.dumps(schema(), indent=2) + "\n",
        page: f"{before}{_BEGIN}\n\n{tables}\n\n{_END}{after}",
    }


def _tables() -> Iterator[str]:
    yield from _table("request", REQUESTS)
    yield ""
    yield from _table("answer", ANSWERS)
    yield ""
    yield "Each has `op` and `id` as well; a field in parentheses may be left out."


def _table(what: str, kinds: Mapping[str, Kind]) -> Iterator[str]:
    yield f"| {what} | what it says | fields |"
    yield "| --- | --- | --- |"
    for op, kind in kinds.items():
        meaning = f"{kind.meaning}; answered by `{kind.answer}`" if kind.answer else kind.meaning
        yield f"| `{op}` | {meaning} | {'<br>'.join(_fields(kind))} |"


def _fields(kind: Kind) -> Iterator[str]:
    for name, field in kind.fields.items():
        if not field.is_ours:
            shown = f"(`{name}`)" if field.is_optional else f"`{name}`"
            yield f"{shown}: {_values(field.schema)}; {field.meaning}"


def _values(values: Any) -> str:
    """Describe the values that a field takes."""
    if "const" in values:
        return str(values["const"])
    if "enum" in values:
        return " or ".join(f"`{one}`" for one in values["enum"])
    kinds = values["type"] if isinstance(values["type"], list) else [values["type"]]
    return " or ".join(kinds)


if __name__ == "__main__":
    for path, content in documents(Path(__file__).parents[1]).items():
        path.write_text(content, encoding="utf-8")
