"""Python snippets, read with ``ast``: statements, and what names stand for where each stands."""

from __future__ import annotations

import ast
import keyword
import re
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final

from harness.syntax.expressions import Source
from harness.syntax.python_changes import (
    is_of_a_framework,
    note_copies_of_names,
    statements_in,
    text_of,
)
from harness.syntax.python_statements import Statements
from harness.syntax.tree import (
    MAX_DIGITS,
    MAX_TEXT,
    Parsed,
    SnippetError,
    Statement,
    Unread,
    Value,
    calls,
    check_text,
)

NO_VALUES: Final[Mapping[str, Value]] = MappingProxyType({})
# A call alone has none of these.
_DEFINING: Final = re.compile(r"[;{]|\b(?:def|class|getattr|if|lambda)\b")
# What a test runner or a benchmark knows a text's functions by.
_RUN: Final = re.compile(r"\bparametrize\b|\bget_init_inputs\b")
# A class of Flax or of Equinox, whose constructor is not written.
_OF_FIELDS: Final = re.compile(r"(?s)\bclass\b.*\.Module\b|@(?:\w+\.)?compact\b")
# A function that makes layers, in the place of a definition.
_LAMBDA: Final = re.compile(r"=\s*lambda\b")
_MAKES_A_LAYER: Final = re.compile("transpos|deconv", re.IGNORECASE)
_MOST_UNREAD: Final = 20
_ASSIGNED: Final = re.compile(r"\s*([\w.]+)\s*=(?!=)")
# A signature as a page prints it, with the page's links.
_PRINTED: Final = re.compile(r"(\s*(?:class\s+)?[\w.]+\(.*\))(?:\[source\])?[¶#]?\s*\Z", re.DOTALL)
# What calls in code do not have: an index [source] of an output is one.
_OF_A_PAGE: Final = re.compile(r"\A\s*class\s|,\s*\*\s*,|\*\*kwargs\s*\)|_Null\b|[¶#]\s*\Z")
_BARE_STAR: Final = re.compile(r"(?:(?<=,)|^)\s*\*\s*,")
_IDENTIFIER: Final = re.compile(r"[^\W\d]\w*+(?:\.[^\W\d]\w*+)*+")


def read(text: str, values: Mapping[str, Value] = NO_VALUES, names: Collection[str] = ()) -> Parsed:
    r"""Read Python text as statements; lines that are not Python are left out.

    Parameters
    ----------
    text : str
        May be indented, and may have a session's prompts.
    values : mapping of str to value
        What the user gives names that have no value in the text.
    names : collection of str, optional
        What is looked for: functions that do not lead there are passed over.

    Raises
    ------
    SnippetError
        Where leaving lines out does not help, with the column.

    Examples
    --------
    >>> parsed = read("print 'up'\nup = nn.ConvTranspose2d(8 * 2, 4, (3, 2))")
    >>> parsed.statements[-1].value.arguments[0].value
    16
    >>> [unread.error.fact[:21] for unread in parsed.unread]
    ['this is not Python: M']
    """
    check_text(text)
    printed = _PRINTED.match(text) if _OF_A_PAGE.search(text) else None
    source = Source(printed[1] if printed else text)
    try:
        module, unread = _tree(source)
        unread = (*unread, *_imported_again(source, module))
        if "locals(" in text:
            note_copies_of_names(module)
        if _RUN.search(text):
            # Other texts are read faster without it.
            from harness.syntax.python_runners import add_calls  # noqa: PLC0415

            add_calls(module, source.lines)
        if _OF_FIELDS.search(text):
            # So are those without such classes.
            from harness.syntax.python_fields import add_constructors  # noqa: PLC0415

            add_constructors(module)
        if _LAMBDA.search(text):
            _define_lambdas(module)
        reader = _reader(source, unread, values, names)
        if "add_arg_scope" in text:
            from harness.syntax.python_arg_scopes import set_by_scopes  # noqa: PLC0415 -- few do

            reader.given_otherwise.update(set_by_scopes(module))
        statements = tuple(reader.module(module))
        if _has_defaults(statements):
            # A call that is not followed may give more than it shows: names, no defaults.
            replaced = reader.with_replaced_defaults(module, statements)
            statements = tuple(reader.again(replaced)) if replaced else statements
        left_out = (*unread, *reader.unread)
        not_followed = tuple(reader.not_followed.values())
        never = tuple(reader.never_taken())
        patched, search = tuple(reader.patched(module)), partial(_handed_on, source, module, never)
        return Parsed(
            statements,
            left_out,
            patched,
            not_followed,
            search,
            reader.deciding,
            reader.own_forward,
            reader.supposed,
        )
    except SnippetError:
        raise
    except (RecursionError, MemoryError):
        raise SnippetError("the text is nested too deeply.") from None
    except ValueError as error:  # Python 3.11.3 and before: of a null character.
        raise SnippetError(f"this is not Python: {error}.", max(0, text.find("\0"))) from None


def _imported_again(source: Source, module: ast.Module) -> Iterator[Unread]:
    """Leave out imports of what stands above, as in files that are pasted one below another."""
    defined = set[str]()
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.ImportFrom) and not is_of_a_framework(node.module or ""):
            own = [each for each in node.names if each.name in defined and not each.asname]
            if own:
                names = ", ".join(each.name for each in own)
                start = source.offset(node.lineno, 0)
                end = source.offset(node.end_lineno or node.lineno, MAX_TEXT)
                fact = f"it imports {names}, which the text itself defines."
                node.names = [each for each in node.names if each not in own]
                yield Unread(start, end, SnippetError(fact, start))


def _define_lambdas(module: ast.Module) -> None:
    """Write ``def up(n): return ...`` in the place of ``up = lambda n: ...`` that makes a layer."""
    for node in list(statements_in(module)):
        suites = [getattr(node, name, None) for name in ("body", "orelse", "finalbody")]
        for suite in (each for each in suites if isinstance(each, list)):
            suite[:] = map(_defined, suite)


def _defined(node: ast.stmt) -> ast.stmt:
    match node:
        case ast.Assign([ast.Name(name)], ast.Lambda(arguments, result)):
            written = text_of(result)
            # lambda nn: nn.ConvTranspose2d(4, 2, 3) makes a layer of whatever it is given.
            is_given = any(f"{each.arg}." in written for each in arguments.args)
            if _MAKES_A_LAYER.search(written) and not is_given:
                gives = ast.copy_location(ast.Return(result), result)
                return ast.copy_location(ast.FunctionDef(name, arguments, [gives], []), node)
    return node


def _has_defaults(statements: Sequence[Statement]) -> bool:
    """Whether any call is computed from what a function's parameters are by default."""
    return any(call.assumed for each in statements for call in calls(each.value))


def _reader(
    source: Source,
    unread: Sequence[Unread],
    values: Mapping[str, Value],
    names: Collection[str],
) -> Statements:
    """What reads a text: of one line that defines and chooses nothing, nothing is followed."""
    if len(source.lines) == 1 and not _DEFINING.search(source.lines[0]):
        return Statements(source, unread, values)
    # A line alone starts faster without it.
    from harness.syntax.python_following import Reader  # noqa: PLC0415

    return Reader(source, unread, values, names)


def _handed_on(
    source: Source,
    module: ast.Module,
    never_taken: Sequence[tuple[int, int]],
    names: Collection[str],
) -> Iterator[tuple[str, int]]:
    if not any("import" in line for line in source.lines):
        return  # What is handed on is imported.
    from harness.syntax.python_handed_on import handed_on  # noqa: PLC0415 -- few texts need it

    for name, node in handed_on(module, names, source.lines):
        column = source.offset_of(node)
        if not any(start <= column < end for start, end in never_taken):
            yield name, column


def _tree(source: Source) -> tuple[ast.Module, tuple[Unread, ...]]:
    """Parse what is left when lines that are not Python are taken out one by one."""
    lines, unread = list(source.lines), dict[int, Unread]()
    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse("\n".join(lines)), tuple(unread.values())
        except SyntaxError as error:
            plain = list(map(_without_bare_star, lines))
            if plain != lines:
                lines = plain
                continue
            number = min(max(error.lineno or 1, 1), len(lines)) - 1
            column = source.offset(number + 1, (error.offset or 1) - 1)
            left_out = Unread(source.offset(number + 1, 0), column, _not_python(error, column))
            if number in unread or len(unread) == _MOST_UNREAD:
                raise next(iter(unread.values()), left_out).error from None
            unread[number] = left_out._replace(end=left_out.start + len(lines[number]))
            lines[number] = _in_place_of(lines[number])


def _without_bare_star(line: str) -> str:
    """Blank out the ``*`` of a signature that a page prints as if it were a call."""
    if "def " in line or "lambda" in line:
        return line
    return _BARE_STAR.sub(lambda star: " " * len(star[0]), line)


def _not_python(error: SyntaxError, column: int) -> SnippetError:
    if "integer string conversion" in error.msg:
        return SnippetError(f"a number of more than {MAX_DIGITS} digits is no size.", column)
    return SnippetError(f"this is not Python: {error.msg.rstrip('.')}.".replace("?.", "?"), column)


def _in_place_of(line: str) -> str:
    """A line that makes all names of another unknown, and keeps a body below it a body."""
    indent = line[: len(line) - len(line.lstrip())]
    words = dict.fromkeys(match[0] for match in _IDENTIFIER.finditer(line))
    names = [word for word in words if not any(map(keyword.iskeyword, word.split(".")))]
    if line.rstrip().endswith(":"):
        return f"{indent}for {', '.join(names) or '_'} in _:"
    given = _ASSIGNED.match(line)
    first = f"{given[1]} = lambda: 0; " if given and given[1] in names else ""
    return f"{indent}{first}del {', '.join(names)}" if names else f"{indent}pass"
