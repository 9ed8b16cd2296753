"""From a grammar to the tables that are read when a snippet is parsed.

``python -m harness.syntax.tables`` writes them anew; do so after a change of a grammar.  lark finds
the tables; importing it, and finding them, takes longer than a look-up may, so they are kept, and
no installation needs lark.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

LANGUAGES: Final = ("matlab", "wolfram")
FOLDER: Final = Path(__file__).parent


def tables(language: str) -> dict[str, Any]:
    """Compute the tables of a grammar.

    Returns
    -------
    dict
        ``ignored``: the pattern of what separates tokens.

        ``terminals``: pairs of name and pattern, in the order in which they are tried.

        ``rules``: for each its name, the builder's method (none where its symbols belong to the
        rule around it), how many symbols it has, and whether a single one stands for itself.

        ``states``, the first being the start: for each what it does with a terminal, the number of
        the next state or minus the number, from 1, of the rule that is complete (this number alone
        where no terminal matters), and the next state behind each rule's name.
    """
    from lark import Lark  # noqa: PLC0415 -- only who changes a grammar needs it

    grammar = (FOLDER / f"{language}.lark").read_text(encoding="utf-8")
    lark = Lark(
        grammar,
        parser="lalr",
        keep_all_tokens=True,
        maybe_placeholders=False,
    )
    parser: Any = lark.parser
    states = parser.parser._parse_table.states  # noqa: SLF001 -- lark has no other way to them
    (start,) = parser.parser._parse_table.start_states.values()  # noqa: SLF001
    order = list(_reached(states, start))
    rules = sorted({rule for state in order for rule in _reductions(states[state])}, key=_key)
    names = {rule: number for number, rule in enumerate(rules, 1)}
    terminals = [(each.name, each.pattern.to_regexp()) for each in _sorted(lark.terminals)]
    return {
        "ignored": "|".join(text for name, text in terminals if name in lark.ignore_tokens),
        "terminals": [pair for pair in terminals if pair[0] not in lark.ignore_tokens],
        "rules": [_rule(rule) for rule in rules],
        "states": [_state(states[state], order, names) for state in order],
    }


def _sorted(terminals: Iterable[Any]) -> list[Any]:
    # The order in which lark itself tries them: the longer one before its own beginning.
    return sorted(
        terminals,
        key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name),
    )


def _reached(states: dict[int, dict[str, Any]], start: int) -> Iterator[int]:
    """Number the states by the symbols that lead to them: lark's own numbers change."""
    order, seen = [start], {start}
    for state in order:
        yield state
        for symbol in sorted(states[state]):
            action, target = states[state][symbol]
            if action.name == "Shift" and target not in seen:
                seen.add(target)
                order.append(target)


def _reductions(actions: dict[str, Any]) -> Iterator[Any]:
    return (target for action, target in actions.values() if action.name == "Reduce")


def _key(rule: Any) -> tuple[str, list[str]]:
    return str(rule.origin.name), [str(symbol.name) for symbol in rule.expansion]


def _rule(rule: Any) -> list[Any]:
    name = str(rule.origin.name)
    method = None if name.startswith("_") else str(rule.alias or name)
    return [name, method, len(rule.expansion), bool(rule.options.expand1 and not rule.alias)]


def _state(actions: dict[str, Any], order: list[int], names: dict[Any, int]) -> list[Any]:
    terminals: dict[str, int] = {}
    behind: dict[str, int] = {}
    for symbol, (action, target) in sorted(actions.items()):
        if action.name == "Reduce":
            terminals[str(symbol)] = -names[target]
        elif symbol.isupper() or symbol == "$END":
            terminals[str(symbol)] = order.index(target)
        else:
            behind[str(symbol)] = order.index(target)
    # What completes one rule only need not look at what follows, except at the end of all.
    only = set(terminals.values()) if len(set(terminals.values())) == 1 else {0}
    (rule,) = only
    return [rule if rule < 0 and "$END" not in terminals else terminals, behind]


def text(language: str) -> str:
    """Write tables as JSON, a state to a line.

    >>> text("matlab") == (FOLDER / "matlab.json").read_text(encoding="utf-8")
    True
    """
    parts = []
    for name, value in tables(language).items():
        rows = json.dumps(value)
        if isinstance(value, list):
            rows = "[\n" + ",\n".join(json.dumps(row) for row in value) + "\n]"
        parts.append(f"{json.dumps(name)}: {rows}")
    return "{" + ",\n".join(parts) + "}\n"


if __name__ == "__main__":
    for language in LANGUAGES:
        (FOLDER / f"{language}.json").write_text(text(language), encoding="utf-8")
