"""How the terminal names the inputs that a sentence mentions: as options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.core.errors import Ask, Mention

_OPTIONS: Final[Mapping[Ask, str]] = {
    Ask.INPUT_SHAPE: "--input",
    Ask.WEIGHT_SHAPE: "--weight",
    Ask.FRAMEWORK: "--from",
    Ask.TARGET: "--to",
    Ask.STYLE: "--style",
    Ask.INTERPRETER: "--python",
    Ask.DEVICE: "--device",
    Ask.MATH: "--math",
    Ask.GROUPS: "--groups",
    Ask.RANK: "--rank",
    Ask.VALUE: "--set",
    Ask.WEIGHT_NAME: "--weight-name",
    Ask.BIAS_NAME: "--bias-name",
    Ask.LAYERS: "--layers",
    Ask.SAVE: "--save",
    Ask.DASHBOARD: "--html",
}


def in_options_of_audit(mention: Mention) -> str:
    """Word a mention for a project: what is said of one call is an option of another command.

    >>> in_options_of_audit(Mention(Ask.INPUT_SHAPE, (1, 64, 16, 16), "add"))
    'add --input 1,64,16,16 (of deconform translate)'
    """
    worded = in_options(mention)
    is_ours = mention.ask == Ask.VALUE or not mention.verb
    return worded if is_ours else f"{worded} (of deconform translate)"


def in_options(mention: Mention) -> str:
    """Word a mention as an option, with its value.

    >>> in_options(Mention(Ask.INPUT_SHAPE, (1, 64, 16, 16), "add"))
    'add --input 1,64,16,16'
    """
    return mention.naming(_OPTIONS[mention.ask])
