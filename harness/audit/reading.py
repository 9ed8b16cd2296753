"""The layers of one file, of code or a model, and what of it is unread."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias

from harness.audit.layers import ASKS, AuditedLayer, Fate, Unread
from harness.audit.named_only import named_only
from harness.audit.walking import Source
from harness.convention.device import Device
from harness.convention.reading import NOTHING, Supplied
from harness.convention.registry import readable_conventions, render
from harness.core.bounded import MIB, read_bytes
from harness.core.errors import Ask, InputError, Sentence, Words, without_a_face, worded
from harness.core.named_number import in_names, plain
from harness.core.program import Program, Unsupported
from harness.lookup import foreign
from harness.lookup.answer import LookUp, Translation, in_words
from harness.lookup.every import look_up_texts
from harness.lookup.models import NodeError, is_model, model_suffixes, read_model
from harness.syntax.documents import CODE_SUFFIXES, Document, read_document
from harness.syntax.find_call import NoCallError
from harness.syntax.tree import SnippetError

_MOST_BYTES: Final = 64 * MIB
# Names in such a file cannot be seen before it is unpacked.
_PACKED: Final = {".mlx"}
# Each name of a call has one of these, for which bytes are searched faster than for all names.
_IN_EVERY_NAME: Final = (b"transp", b"deconv", b"backprop", b"conv_general", b"conv_with_general")
_FEW_NAMES: Final = 3  # That are named and not called, of a file
# Folders are full of texts that are no code.
_NO_CODE: Final = {".txt"}


@dataclass(frozen=True)
class Wanted:
    """What an audit asks for."""

    to: tuple[str, ...] = ()  # The targets; all frameworks but a layer's own where empty
    supplied: Supplied = NOTHING
    dtype: str = "float32"
    device: Device = "cpu"
    words: Words = without_a_face  # How a reason names the inputs that would help
    seconds: float = 20.0  # Of a processor, that one file may take


class ReadFile(NamedTuple):
    """What a file holds."""

    layers: tuple[AuditedLayer, ...] = ()
    unread: tuple[Unread, ...] = ()


Answer: TypeAlias = LookUp | SnippetError


def suffixes() -> frozenset[str]:
    """Return the suffixes of the files in a folder that may hold layers."""
    return frozenset({*CODE_SUFFIXES, *model_suffixes()}) - _NO_CODE


def size_in_bytes(source: Source) -> int:
    """Return a file's size; 0 of one that cannot be asked."""
    try:
        return Path(source.path).stat().st_size
    except OSError:
        return 0


def may_hold_layers(source: Source) -> bool:
    """Whether a file is to be read: a quick look at what it begins with, or the names in it."""
    path = Path(source.path)
    suffix = path.suffix.lower()
    if source.is_given or suffix in _PACKED:
        return True
    if suffix in model_suffixes():
        return is_model(path)
    try:
        content = read_bytes(path, _MOST_BYTES)
        lower = content.lower()
        is_likely = any(part in lower for part in _IN_EVERY_NAME)
        return is_likely and _may_call(content.decode("latin-1"))
    except OSError:
        return True  # Whatever reads it says why it cannot be read.


def read_file(source: Source, wanted: Wanted) -> ReadFile:
    """Read the layers of a file; nothing that it holds, or lacks, raises."""
    try:
        with _time_limit(wanted.seconds):
            return _read(source, wanted)
    except InputError as error:
        return ReadFile(unread=(_unread(source.path, Document(source.path, ""), error, wanted),))
    except _TookTooLongError:
        fact = f"it takes more than {wanted.seconds:g} s to read."
    except MemoryError:
        fact = "it takes more memory to read than there is."
    except OSError as error:
        fact = f"it cannot be read: {error.strerror or error}."
    return ReadFile(unread=(Unread(source.path, None, fact),))


def _read(source: Source, wanted: Wanted) -> ReadFile:
    path = Path(source.path)
    suffix = path.suffix.lower()
    if suffix in model_suffixes() and is_model(path):
        document = Document(source.path, "", is_model=True)
        answers = read_model(path, source.path, wanted.to, supplied=wanted.supplied)
        return _sorted_out(document, answers, wanted)
    document = read_document(path, source.path)
    try:
        if not document.text.strip():
            return ReadFile()
        answers = look_up_texts(
            document.texts, to=wanted.to, supplied=wanted.supplied, only_code=True
        )
    except NoCallError:
        return ReadFile(unread=tuple(_named_only(document, suffix)))
    except SnippetError as error:
        answers = [error]
    return _sorted_out(document, answers, wanted)


def _may_call(text: str) -> bool:
    """Whether a text has a name of a call that is read, or of another that may be the same."""
    if _names().search(text):
        return True
    telling = (each for each in readable_conventions() if each.calls_in)
    return any(re.search(each.calls, text) and re.search(each.calls_in, text) for each in telling)


@cache
def _names() -> re.Pattern[str]:
    """Match the names of all calls that are read, and of others that may be the same."""
    return re.compile(rf"{_known_names().pattern}|{foreign.LIKELY}")


@cache
def _known_names() -> re.Pattern[str]:
    # A name that does not tell is not worth a word where nothing calls it.
    conventions = (each for each in readable_conventions() if not each.calls_in)
    every = "|".join(each.calls for each in conventions if each.calls)
    return re.compile(rf"(?<!\w)(?:{every})(?!\w)")


def _named_only(document: Document, suffix: str) -> Iterator[Unread]:
    namings = named_only(document.text, suffix, _known_names())
    if namings:
        names, others = [each.name for each in namings], len(namings) - _FEW_NAMES
        shown = ", ".join(names[:_FEW_NAMES]) + (f" and {others} more" if others > 0 else "")
        fact = f"{shown}: named here, and not called. What calls it, or them, is not read."
        cell, inner = document.cell_of(namings[0].line)
        yield Unread(document.name, inner, fact, cell)


def _sorted_out(document: Document, answers: list[Answer], wanted: Wanted) -> ReadFile:
    looks = [each for each in answers if isinstance(each, LookUp)]
    errors = [each for each in answers if not isinstance(each, LookUp)]
    return ReadFile(
        tuple(_layer(document, each, wanted) for each in looks),
        tuple(_unread(document.name, document, each, wanted) for each in errors),
    )


def _unread(file: str, document: Document, error: InputError, wanted: Wanted) -> Unread:
    fact = in_names(worded(error.fact, wanted.words))
    if isinstance(error, NodeError):
        return Unread(file, None, f"{error.name}: {fact}")
    if error.place is None:
        return Unread(file, None, fact.removeprefix(f"{file} "))
    cell, line = document.cell_of(error.place.line)
    return Unread(file, line, fact, cell)


def _layer(document: Document, look: LookUp, wanted: Wanted) -> AuditedLayer:
    reading, operator = look.reading, look.reading.operator
    cell, line = document.cell_of(reading.line)
    is_open = bool(look.names or look.truth)
    shown: dict[str, Any] = plain(vars(operator)) if is_open else operator.to_json()
    bias = {"bias": look.truth} if look.truth else {}
    otherwise = {each.framework: each for each in look.without_bias}
    return AuditedLayer(
        file=document.name,
        line=None if document.is_model else line,
        name=reading.name,
        framework=reading.framework,
        words=in_names(in_words(operator)) + (f" where {look.truth}" if look.truth else ""),
        operator=operator,
        shown=shown | bias,
        descriptor=None if is_open else operator.descriptor,
        input=reading.input,
        targets={
            each.framework: max(
                (_fate(look, one, wanted) for one in (each, otherwise.get(each.framework)) if one),
                key=lambda fate: fate.badness,
            )
            for each in look.translations
        },
        cell=cell,
    )


def _fate(look: LookUp, translation: Translation, wanted: Wanted) -> Fate:
    answer: Program | Unsupported = translation.answer
    if not look.names and (wanted.dtype, wanted.device) != (Wanted.dtype, Wanted.device):
        name, operator = translation.framework, look.reading.operator
        answer = render(operator, name, wanted.dtype, device=wanted.device)
    if answer.reason is None:
        return Fate(answer.support)
    reason = in_names(worded(answer.reason, wanted.words))
    if isinstance(answer, Unsupported) and _asks(answer.reason):
        return Fate(None, ASKS + reason)
    return Fate(answer.support, reason)


def _asks(reason: str) -> bool:
    """Whether an answer is only missing for want of numbers."""
    mentions = reason.mentions if isinstance(reason, Sentence) else ()
    return any(mention.ask == Ask.VALUE for mention in mentions)


class _TookTooLongError(Exception):
    """A file's time is over."""


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`_TookTooLongError` inside, once so much processor time is used.

    It is the same on a machine that is busy with something else.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Only the main thread is told of signals.
        return
    before = signal.signal(signal.SIGPROF, _too_long)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _too_long(_number: int, _frame: object) -> NoReturn:
    raise _TookTooLongError
