"""The one kind of error that a user's input raises, and sentences that ask for more input.

What reads input does not know whether a person types options, fills in a form or calls a function.
It names what it asks for by an :class:`Ask`; each face (terminal, page, JSON) words it once, when
it shows the sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple, Self, TypeAlias

LONGEST: Final = 4000  # Characters of a fact that are shown: it may quote a whole file


class Ask(StrEnum):
    """An input that a person can be asked for, by the name that it has without a face."""

    INPUT_SHAPE = "input"
    WEIGHT_SHAPE = "weight"
    FRAMEWORK = "framework"
    TARGET = "target"
    STYLE = "style"
    INTERPRETER = "interpreter"
    DEVICE = "device"
    MATH = "math"
    GROUPS = "groups"
    RANK = "rank"
    VALUE = "set"
    WEIGHT_NAME = "weight name"
    BIAS_NAME = "bias name"
    LAYERS = "layers"
    SAVE = "save"
    DASHBOARD = "dashboard"


class Mention(NamedTuple):
    """Where a sentence names an input, with its value or an example of it; a tuple is a shape.

    The verb is ``add`` or ``give`` where the sentence asks for it, empty where it only names it.
    """

    ask: Ask
    value: str | tuple[int, ...] = ""
    verb: str = ""

    @property
    def shown_value(self) -> str:
        """The value as people write it."""
        return self.value if isinstance(self.value, str) else ",".join(map(str, self.value))

    def naming(self, name: str) -> str:
        """Return the words where the input is called ``name``."""
        return " ".join(word for word in (self.verb, name, self.shown_value) if word)


Words: TypeAlias = Callable[[Mention], str]


def without_a_face(mention: Mention) -> str:
    """Word a mention for whoever calls a function.

    >>> without_a_face(Mention(Ask.INPUT_SHAPE, (1, 64, 16), "add"))
    'add input 1,64,16'
    """
    return mention.naming(mention.ask)


class Sentence(str):
    """A text that names inputs, itself in the words of :func:`without_a_face`.

    Adding texts keeps what is named; formatting does not.

    >>> open_ = "the text leaves in_channels open: " + asked(Ask.INPUT_SHAPE, (1, 64, 16)) + "."
    >>> open_
    'the text leaves in_channels open: add input 1,64,16.'
    >>> open_.worded(lambda mention: f"fill in {mention.ask.name}")
    'the text leaves in_channels open: fill in INPUT_SHAPE.'
    """

    __slots__ = ("parts",)
    parts: tuple[str | Mention, ...]

    def __new__(cls, *parts: str | Mention) -> Self:
        """Join the parts; those of a sentence become parts of the new one."""
        flat: list[str | Mention] = []
        for part in parts:
            flat.extend(part.parts if isinstance(part, Sentence) else (part,))
        words = (without_a_face(part) if isinstance(part, Mention) else part for part in flat)
        sentence = super().__new__(cls, "".join(words))
        sentence.parts = tuple(flat)
        return sentence

    def __add__(self, other: str) -> Sentence:
        return Sentence(self, other)

    def __radd__(self, other: str) -> Sentence:
        return Sentence(other, self)

    def worded(self, words: Words) -> str:
        """Word what is named as a face does."""
        return "".join(words(part) if isinstance(part, Mention) else part for part in self.parts)

    def changed(self, change: Callable[[str], str]) -> Sentence:
        """Change the words between what is named."""
        return Sentence(*(p if isinstance(p, Mention) else change(p) for p in self.parts))

    @property
    def mentions(self) -> tuple[Mention, ...]:
        """Where inputs are named, in order."""
        return tuple(part for part in self.parts if isinstance(part, Mention))


def asked(ask: Ask, value: str | tuple[int, ...] = "", verb: str = "add") -> Sentence:
    """Ask for an input, with an example of its value."""
    return Sentence(Mention(ask, value, verb))


def named(ask: Ask, value: str | tuple[int, ...] = "") -> Sentence:
    """Name an input that is there already, or the value that it may have."""
    return Sentence(Mention(ask, value))


def worded(text: str, words: Words) -> str:
    """Word a text as a face does, where it names any input."""
    return text.worded(words) if isinstance(text, Sentence) else text


class Place(NamedTuple):
    """Where in the input something is wrong: line and column from 1, and that line with a mark."""

    line: int
    column: int
    excerpt: str


class InputError(ValueError):
    """Something that was typed, or a file that was named, cannot be used.

    The fact is for the person who gave it: what is wrong with its values, the arithmetic, and what
    to do next.  Whatever reads input derives its own error from this one; the command line shows it
    without a traceback and exits with status 2.

    Attributes
    ----------
    fact : str
    place : Place, optional
    mentions : tuple of Mention
        Where the fact names inputs.
    asks, example : optional
        The input that would help, and what it may be.
    """

    def __init__(self, fact: str, place: Place | None = None) -> None:
        super().__init__(fact)
        self.fact = fact
        self.place = place
        self.mentions = fact.mentions if isinstance(fact, Sentence) else ()
        request = next((mention for mention in self.mentions if mention.verb), None)
        self.asks = request.ask if request else None
        self.example = (request.value or None) if request else None

    def worded(self, words: Words) -> str:
        """Word the error as a face does, with its place."""
        fact = worded(self.fact, words)
        if len(fact) > LONGEST:
            fact = f"{fact[:LONGEST]} ... ({len(fact)} characters)"
        if self.place is None:
            return fact
        where = f"line {self.place.line}, column {self.place.column}"
        return f"{where}: {fact}\n{self.place.excerpt}"

    def __str__(self) -> str:
        return self.worded(without_a_face)
