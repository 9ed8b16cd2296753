"""What the command line offers."""

from __future__ import annotations

import argparse

from harness.cli.main import COMMANDS, parser


def every_option() -> set[str]:
    """The names of every command's options."""
    options: set[str] = set()
    for name in COMMANDS:
        for action in parser(name)._actions:
            if isinstance(action, argparse._SubParsersAction):
                known = action.choices[name]._actions
                options |= {option for each in known for option in each.option_strings}
    return options
