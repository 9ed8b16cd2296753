"""What the command line offers."""

from __future__ import annotations

import argparse

from harness.cli.main import parser


def every_option() -> set[str]:
    """The names of every command's options."""
    options: set[str] = set()
    for action in parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                options |= {name for each in command._actions for name in each.option_strings}
    return options
