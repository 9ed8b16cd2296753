"""A grammar's tables, found by lark: what its tokens look like, and what each state does with them.

Finding them takes longer than a look-up may, and so does importing lark: ``harness.syntax.grammar``
keeps them, and imports this module only where it has not.
"""

from __future__ import annotations

from typing import Any

import lark
from lark.grammar import Rule
from lark.lexer import TerminalDef


def computed(grammar: str) -> dict[str, Any]:
    """Return what ``harness.syntax.grammar.Grammar`` is made of."""
    parser = lark.Lark(grammar, parser="lalr", keep_all_tokens=True, maybe_placeholders=False)
    data, memo = parser.memo_serialize([TerminalDef, Rule])
    table, ignored = data["parser"]["parser"], data["parser"]["lexer_conf"]["ignore"]
    terminals = [
        (each.name, each.pattern.to_regexp()) for each in sorted(parser.terminals, key=_turn)
    ]
    rules = [key for key, each in memo.items() if each["__type__"] == "Rule"]
    completing = {key: -1 - number for number, key in enumerate(rules)}
    return {
        "ignored": "|".join(pattern for name, pattern in terminals if name in ignored),
        "terminals": {name: pattern for name, pattern in terminals if name not in ignored},
        "rules": [_rule(memo[key]) for key in rules],
        "states": [
            {
                table["tokens"][symbol]: completing[target["@"]] if is_reduced else target
                for symbol, (is_reduced, target) in actions.items()
            }
            for _, actions in sorted(table["states"].items())
        ],
        "start": table["start_states"]["start"],
        "end": table["end_states"]["start"],
    }


def _turn(terminal: TerminalDef) -> tuple[int, int, int, str]:
    """Return what lark sorts terminals by, which puts the longer one before its own beginning."""
    pattern = terminal.pattern
    return -terminal.priority, -pattern.max_width, -len(pattern.value), terminal.name


def _rule(rule: dict[str, Any]) -> tuple[str, str | None, int, bool]:
    name, alias = rule["origin"]["name"], rule["alias"]
    is_inside = name == "start" or name.startswith("_")
    is_optional = bool(rule["options"]["expand1"]) and not alias
    return name, alias or (None if is_inside else name), len(rule["expansion"]), is_optional
