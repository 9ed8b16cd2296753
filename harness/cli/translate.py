"""``deconform translate``: a look-up, which imports nothing that it can do without."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from harness.cli.exit_statuses import BAD, OK, ended_by_sigterm
from harness.cli.lines import print_lines
from harness.cli.options import UsageError, add_shared, positive

if TYPE_CHECKING:
    from pathlib import Path

    from harness.convention.reading import Supplied
    from harness.lookup.answer import Line, LookUp
    from harness.lookup.listing import Answer
    from harness.records.status import Status
    from harness.syntax.documents import Document

    Evidence: TypeAlias = Mapping[str, Mapping[str, Status]]

_LONGEST_NAME: Final = 4096  # Characters of a file's name


def add(parser: argparse.ArgumentParser) -> None:
    about = "code, a file of it, a model, a descriptor or a line of benchdnn; - reads it"
    add_shared(parser, "text", help=about)
    add_shared(parser, "from", "input", "weight")
    parser.add_argument(
        "--to",
        action="append",
        default=[],
        metavar="NAME",
        help="only these (all others); or benchdnn",
    )
    parser.add_argument(
        "--style",
        choices=("function", "layer"),
        default="function",
        help="what is executed (the default), or what people put in a network",
    )
    parser.add_argument("--line", type=positive, metavar="N", help="only the calls in this line")
    parser.add_argument("--node", metavar="NAME", help="only this node of a model")
    add_shared(parser, "set")
    parser.add_argument("--program", action="store_true", help="print whole programs")
    parser.add_argument(
        "--check", action="store_true", help="run the answer in the frameworks that are here"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    from harness.cli.wording import in_options
    from harness.lookup.every import worded
    from harness.syntax.tree import SnippetError

    every, document = _answers(options)
    if len(every) == 1 and isinstance(every[0], SnippetError):
        raise every[0]
    looks = [worded(each, in_options) for each in every]
    evidence = _evidence(looks) if options.check else [{} for _ in looks]
    if options.json:
        _print_json(looks, document, evidence)
    else:
        after = [
            [*_in_lines(checks)] if checks or not options.check else _unchecked(look)
            for look, checks in zip(looks, evidence, strict=True)
        ]
        print_lines([*_for_people(looks, document, after, programs=options.program)])
    statuses = [status for one in evidence for checks in one.values() for status in checks.values()]
    return BAD if any(status.is_bad for status in statuses) else OK


def _answers(options: argparse.Namespace) -> tuple[Sequence[Answer], Document | None]:
    """Answer every call of a text or a file, or every layer of a model."""
    from harness.lookup import SUFFIXES
    from harness.lookup.every import look_up_texts
    from harness.lookup.reading import supply

    supplied = supply(options.input, options.weight, dict(options.values))
    path, document = _path(options.text), None
    if path is not None and path.suffix.lower() not in SUFFIXES:
        from harness.lookup.models import is_model

        if is_model(path):
            return _layers(path, options, supplied)
    if path is not None:
        from harness.syntax.documents import read_document

        document = read_document(path, options.text)
    text = document.text if document else typed(options.text)
    _check_names(text, [name for name, _ in options.values])
    every = look_up_texts(
        document.texts if document else (text,),
        options.source,
        options.to,
        supplied=supplied,
        style=options.style,
        # Of a file nobody has chosen a comment, or a class that is called like a layer.
        only_code=document is not None,
    )
    if options.node is not None:
        raise UsageError(f"--node {options.node} is for models: this is code; pick by --line.")
    if options.line is not None:
        every = _in_line(every, options.line, document)
    return every, document


def _check_names(text: str, names: Sequence[str]) -> None:
    """Refuse a value for a name that the text does not have, such as a mistyped one."""
    if not names:
        return
    from harness.syntax.names import identifiers

    known = {*identifiers(text)}
    for name in names:
        for word in identifiers(name):
            if word not in known:
                raise UsageError(f"--set {name}: the text has no {word}.")


def _layers(
    path: Path, options: argparse.Namespace, supplied: Supplied
) -> tuple[Sequence[Answer], Document]:
    """Answer every layer of a model; refuse what is said of code."""
    from harness.lookup.models import read_model
    from harness.syntax.documents import Document

    name = options.text
    if options.line is not None:
        raise UsageError(f"{name} is a model, which has no lines: pick by --node NAME.")
    if options.source is not None:
        raise UsageError(f"{name} is a model, and says itself whose it is: leave --from out.")
    if options.values:
        raise UsageError(f"{name} is a model, which names no numbers: leave --set out.")
    every = read_model(path, name, options.to, supplied=supplied, style=options.style)
    if not every:
        raise UsageError(f"{name} is a model without a transposed convolution.")
    if options.node is not None:
        every = _of_node(every, options.node)
    if len(every) > 1 and (supplied.input or supplied.weight):
        raise UsageError(
            f"{name} is a model with {len(every)} transposed convolutions, and --input and "
            "--weight are those of one: pick it by --node NAME."
        )
    return every, Document(name, "", is_model=True)


def _of_node(every: Sequence[Answer], name: str) -> list[Answer]:
    """The answer to the node of a name."""
    from harness.lookup.listing import name_of

    chosen = [each for each in every if name_of(each) == name]
    if not chosen:
        known = ", ".join(map(name_of, every))
        raise UsageError(f"no transposed convolution is called {name}; they are {known}.")
    return chosen


def _in_line(every: Sequence[Answer], line: int, document: Document | None) -> list[Answer]:
    """The calls that begin in a line; of a notebook, in that line of any cell.

    Where none does, those that come to the framework's call in that line.
    """
    from harness.lookup.listing import lines_of

    lines = [lines_of(each) for each in every]
    if document is not None:
        lines = [tuple(document.cell_of(number)[1] for number in each) for each in lines]
    for depth in (1, None):
        places = zip(every, lines, strict=True)
        if chosen := [each for each, numbers in places if line in numbers[:depth]]:
            return chosen
    known = ", ".join(map(str, sorted({numbers[0] for numbers in lines})))
    raise UsageError(f"no transposed convolution begins in line {line}; they do in {known}.")


def _path(text: str) -> Path | None:
    """Return the path of a file, where the text is a file's name."""
    if text in {"", "-"} or len(text) > _LONGEST_NAME or "\n" in text:
        return None
    from pathlib import Path

    from harness.lookup import SUFFIXES

    path = Path(text)
    try:
        is_file = path.is_file()
        is_folder = not is_file and path.is_dir()
    except (OSError, ValueError):
        is_file = is_folder = False
    if is_folder:
        raise UsageError(f"{text} is a folder: deconform audit reads all that is in one.")
    if is_file:
        return path
    if path.suffix and not {*text} & {*" ()[]"}:
        # No call looks so: nobody waits for what knows the suffixes of models.
        from harness.lookup.models import model_suffixes

        if path.suffix in {*SUFFIXES, *model_suffixes()}:
            raise UsageError(f"there is no file {text}.")
    return None


def typed(text: str) -> str:
    """Return a text as it was typed, or the standard input where it is ``-``."""
    if text != "-":
        return text
    from harness.syntax.tree import MAX_TEXT

    # One character too many is refused like any longer text.
    return sys.stdin.read(MAX_TEXT + 1) if sys.stdin else ""


def _for_people(
    looks: Sequence[Answer],
    document: Document | None,
    after: Sequence[Sequence[Line]],
    *,
    programs: bool,
) -> Iterator[Line]:
    from harness.lookup.answer import LookUp, answer

    if len(looks) == 1 and document is None and isinstance(looks[0], LookUp):
        yield from answer(looks[0], programs)
        yield from after[0]
        return
    from harness.lookup.listing import listed

    lines = {id(look): each for look, each in zip(looks, after, strict=True)}
    yield from listed(looks, document, lambda look: lines[id(look)], programs=programs)


def _unchecked(look: Answer) -> list[Line]:
    from harness.lookup.answer import LookUp

    if not isinstance(look, LookUp) or not look.names:
        return []
    return [[], [("dim", _not_run([look]))]]


def _print_json(
    looks: Sequence[Answer], document: Document | None, evidence: Sequence[Evidence]
) -> None:
    """Print the object of one call, or of all, with what could not be read."""
    import json

    from harness.lookup.listing import all_in_json, in_json

    objects = [in_json(look, document) for look in looks]
    for answered, checks in zip(objects, evidence, strict=True):
        for name, by_check in checks.items():
            answered["translations"][name]["evidence"] = by_check
    print(json.dumps(all_in_json(objects), indent=2))


def _evidence(looks: Sequence[Answer]) -> list[Evidence]:
    """Run the programs of look-ups; return for each the status of each check, by framework."""
    from harness import run as run_cases
    from harness.lookup.answer import LookUp
    from harness.suite.case import case_from_descriptor

    found = [look for look in looks if isinstance(look, LookUp)]
    if all(look.names for look in found):
        raise UsageError(_not_run(found))
    if not any(look.can_run for look in found):
        names = dict.fromkeys(each.framework for look in found for each in look.translations)
        raise UsageError(f"--check: nothing here runs {', '.join(names)}: text only.")
    evidence: list[dict[str, dict[str, Status]]] = [
        {each.framework: {} for each in look.translations if each.is_run}
        if isinstance(look, LookUp) and not look.names
        else {}
        for look in looks
    ]
    # A framework is started once for all layers.
    targets = list(dict.fromkeys(name for by_name in evidence for name in by_name))
    of_case = {
        look.example: by_name
        for look, by_name in zip(looks, evidence, strict=True)
        if isinstance(look, LookUp) and by_name
    }
    with ended_by_sigterm():
        for record in run_cases([case_from_descriptor(each) for each in of_case], targets):
            of_case[record.descriptor].get(record.framework, {})[record.check] = record.status
    return [
        of_case[look.example] if isinstance(look, LookUp) and by_name else {}
        for look, by_name in zip(looks, evidence, strict=True)
    ]


def _not_run(looks: Sequence[LookUp]) -> str:
    """Say how the names in answers get numbers."""
    names = [name for look in looks for name in look.names if name not in look.unnamed]
    words = dict.fromkeys(word for name in names for word in re.findall(r"[^\W\d][\w.]*", name))
    shown = [f"--set {word}=4" for word in words]
    if any(look.unnamed for look in looks):
        shown.append("--input 1,64,16,16")
    return f"a program in names is not run: give each a number, such as {' '.join(shown)}."


def _in_lines(evidence: Evidence) -> Iterator[Line]:
    if evidence:
        yield []
        yield [("dim", "run just now, against the definition:")]
    for name, statuses in evidence.items():
        by_status: dict[Status, list[str]] = {}
        for check, status in statuses.items():
            by_status.setdefault(status, []).append(check)
        for status, checks in by_status.items():
            yield [("", f"  {name:<11} "), (status.colour, status), ("", f" {', '.join(checks)}")]
