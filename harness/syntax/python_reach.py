"""Which functions of a Python text are read: those that can reach what is looked for.

A long file is mostly about other things.  A function is read where a word in it leads to a
transposed convolution: what frameworks call one, what the text makes or keeps one with, or what
changes layers wherever they are made.  The others are passed over where they stand; a call of one
is followed all the same.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Final

from harness.syntax.names import EVERYTHING
from harness.syntax.python_changes import (
    FUNCTIONS,
    bindings,
    changes,
    children,
    dotted,
    own_names,
    parameters,
    statements_in,
    text_of,
    walk,
)
from harness.syntax.python_classes import gives_a_default, is_likely

# What wraps layers, or sets something for those that are made elsewhere.
SETTING: Final = {
    *("weight_norm", "spectral_norm", "register_parametrization", "orthogonal", "prune"),
    *("SpectralNormalization", "SpectralNorm", "WeightNormalization", "WeightNorm"),
    *("WeightStandardization", "register_parameter", "register_buffer", "setattr", "__setattr__"),
    *("using_config", "set_image_data_format", "set_image_dim_ordering", "arg_scope"),
    "requires_grad",
    # What describes the values of a graph, and the nodes after a layer's.
    *("make_tensor_value_info", "make_tensor", "from_array", "make_node"),
}
# Layers whose kernels say how many axes a Deconvolution has that does not say it itself.
LIKE: Final = {
    *("Convolution", "Pooling", "Deconvolution", "Convolution_v1", "Pooling_v1"),
    *("Conv1D", "Conv2D", "Conv3D"),
}
_WORD: Final = re.compile(r"[^\W\d]\w*+")
_OWN: Final = re.compile(r"(?:\bself|\bcls|\))\s*+\.\s*+([^\W\d]\w*+)")
_CALLED: Final = re.compile(r"(?<![\w.])([^\W\d]\w*+)\s*+\(")
_RATES: Final = {"lr", "weight_decay"}
_SHORT: Final = 3  # Of names such as x_
_WITHIN: Final = (ast.stmt, ast.ExceptHandler, ast.match_case)


@dataclass(frozen=True, eq=False)
class _Piece:
    """A function, or a statement outside of all functions."""

    node: ast.stmt
    text: str
    names: Sequence[str]  # What leads to it, or to what it makes
    around: ast.ClassDef | None = None

    @cached_property
    def words(self) -> frozenset[str]:
        """All words in it."""
        return frozenset(_WORD.findall(self.text))

    @cached_property
    def own(self) -> frozenset[str]:
        """Attributes of ``self`` in it, and of what it calls."""
        return frozenset(_OWN.findall(self.text))

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Names that are its own, whatever they are outside."""
        if not isinstance(self.node, FUNCTIONS):
            return frozenset()
        return frozenset({*parameters(self.node), *own_names(self.node)})

    @property
    def keeps(self) -> bool:
        """Whether a function gives its ``self`` an attribute."""
        given = bindings([self.node]) if "self" in self.hidden else ()
        return any(each.startswith("self.") for each in given)

    @property
    def changes_others(self) -> bool:
        """Whether a function gives something to what is not its own, or certainly changes it."""
        given = (each for each in bindings([self.node]) if each not in self.names)
        changed = (each.name for each in changes([self.node]) if each.certain)
        roots = {each.partition(".")[0] for each in chain(given, changed)}
        return EVERYTHING in roots or bool(roots - self.hidden - {"self"})


def passed_over(
    module: ast.Module, lines: Sequence[str], given: Iterable[str] = ()
) -> frozenset[ast.AST]:
    r"""Return the functions that cannot reach a transposed convolution.

    Parameters
    ----------
    module : ast.Module
    lines : sequence of str
        Of the text that it was parsed from.
    given : iterable of str
        Words that lead to one, too, such as names that the user gives values.

    Examples
    --------
    >>> text = "def up(c): return nn.ConvTranspose2d(c, 8, 2)\ndef down(c): return nn.Conv2d(c, 8)"
    >>> [each.name for each in passed_over(ast.parse(text), text.split("\n"))]
    ['down']
    """
    pieces = [*_pieces(module.body, lines)]
    if not any(isinstance(each.node, FUNCTIONS) for each in pieces):
        return frozenset()
    reach = _Reach(pieces, lines, {*given})
    reach.spread()
    reach.add_users()
    return frozenset(
        each.node
        for each in pieces
        if isinstance(each.node, FUNCTIONS)
        and each not in reach.reached
        and not (each.around in reach.classes and each.keeps)
        and not each.changes_others
    )


class _Reach:
    """What of a text is reached, in pieces."""

    def __init__(self, pieces: Sequence[_Piece], lines: Sequence[str], given: set[str]) -> None:
        self._pieces, self._lines, self._given = pieces, lines, given
        self._families = _families(pieces)
        self.reached = set[_Piece]()
        self.classes = set[ast.ClassDef | None]()  # With anything that is reached in them
        self._layers = set[str]()  # Names in functions of what may be a layer, or hold one
        self._parts: dict[_Piece, _Parts] = {}

    def spread(self) -> None:
        """Go from what is looked for to what makes it, what has that, and so on."""
        with_word = defaultdict[str, list[_Piece]](list)
        with_own = defaultdict[tuple[str, str], list[_Piece]](list)
        for piece in self._pieces:
            for word in piece.words:
                with_word[word].append(piece)
            for word in piece.own:
                with_own[self._family(piece), word].append(piece)
        sought = {word for word in with_word if word in self._given or is_likely(word)}
        pending: list[str | tuple[str, str]] = [*sought]
        seen = {*pending}
        while pending:
            wanted = pending.pop()
            if isinstance(wanted, str):
                places, word = with_word.get(wanted, ()), wanted
            else:
                places, word = with_own.get(wanted, ()), wanted[1]
            for piece in places:
                if isinstance(wanted, str) and wanted not in sought and wanted in piece.hidden:
                    continue
                more = {*self._made_with(piece, word), *self._leading_to(piece)} - seen
                pending += more
                seen |= more

    def _leading_to(self, piece: _Piece) -> Iterator[str | tuple[str, str]]:
        """What leads to a piece, once it is reached."""
        if piece in self.reached:
            return
        self.reached.add(piece)
        self.classes.add(piece.around)
        yield from ((self._family(piece), name) for name in piece.names)
        yield from piece.names if piece.around is None else (piece.around.name,)

    def _made_with(self, piece: _Piece, word: str) -> Iterator[tuple[str, str]]:
        """Attributes of ``self`` that a function makes with what has a name."""
        if not isinstance(piece.node, FUNCTIONS):
            return
        if piece not in self._parts:
            self._parts[piece] = _Parts.of(piece.node, self._lines)
        parts = self._parts[piece]
        for name in parts.given_with(word):
            self._layers.add(name)
        for name in parts.made_with(word):
            if name.startswith("self."):
                yield self._family(piece), name.split(".")[1]

    def _family(self, piece: _Piece) -> str:
        """The class of a piece; methods may be pasted without theirs."""
        return "" if piece.around is None else self._families[piece.around.name]

    def add_users(self) -> None:
        """Add what may apply or change a layer, or call a method with other values than it has."""
        setting = {name for piece in self._pieces for name in _setting_names(piece)} | SETTING
        if any("Deconvolution" in piece.words for piece in self._pieces):
            setting |= LIKE
        methods = defaultdict[str, list[ast.FunctionDef]](list)
        for piece in self._pieces:
            node = piece.node
            if piece.around in self.classes and isinstance(node, ast.FunctionDef):
                has_defaults = node.args.defaults or node.args.kwonlyargs
                methods[node.name] += [node] if has_defaults else []
            if piece in self.reached and not isinstance(node, FUNCTIONS):
                self._layers.update(piece.names)
        for piece in self._pieces:
            if piece in self.reached or not isinstance(piece.node, FUNCTIONS):
                continue
            if (
                not setting.isdisjoint(piece.words)
                or _changes_weights(piece)
                or self._calls_a_layer(piece)
                or _calls_with_defaults(piece, methods)
            ):
                self.reached.add(piece)

    def _calls_a_layer(self, piece: _Piece) -> bool:
        """Whether a function calls what is called like a layer, and is not its own."""
        named = self._layers & piece.words
        return bool(named) and not (named & {*_CALLED.findall(piece.text)} <= _given_in(piece.node))


class _Parts:
    """The statements of a function, by their words."""

    def __init__(self) -> None:
        self._with_word = defaultdict[str, list[tuple[str, ...]]](list)
        self._seen = set[str]()

    @staticmethod
    def of(function: FUNCTIONS, lines: Sequence[str]) -> _Parts:
        """Take a function apart."""
        parts = _Parts()
        for node in statements_in(function):
            if node is function or not isinstance(node, ast.stmt):
                continue
            text, heads = _head(node, lines)
            if names := _given_by(node, heads):
                for word in {*_WORD.findall(text)}:
                    parts._with_word[word].append(names)
        return parts

    def given_with(self, word: str) -> Iterator[str]:
        """Yield the function's names that are given something in a statement with a word."""
        for names in self._with_word.get(word, ()):
            yield from (name for name in names if "." not in name)

    def made_with(self, word: str) -> Iterator[str]:
        """Yield what is given something with a word, with what was given that, and so on."""
        pending = [word]
        while pending:
            word = pending.pop()
            if word in self._seen:
                continue
            self._seen.add(word)
            for names in self._with_word.get(word, ()):
                yield from names
                pending += [name.rpartition(".")[2] for name in names]


def _head(node: ast.stmt, lines: Sequence[str]) -> tuple[str, list[ast.AST]]:
    """The text of a statement without those in it, and its nodes that are in none of them."""
    inner = next(_inner(node), None)
    if inner is None:
        return "\n".join(lines[node.lineno - 1 : node.end_lineno]), [node]
    heads = [each for each in children(node) if not isinstance(each, _WITHIN)]
    return "\n".join(lines[node.lineno - 1 : max(node.lineno, inner.lineno - 1)]), heads


def _given_by(node: ast.stmt, heads: Sequence[ast.AST]) -> tuple[str, ...]:
    """Names that a statement gives something, or whose methods it calls: ``layers.append(up)``."""
    names = {*bindings(heads)}
    match node:
        case ast.Expr(ast.Call(ast.Attribute(owner))) if name := dotted(owner):
            names.add(name)
    return tuple(names - {EVERYTHING})


def _given_in(node: ast.stmt) -> frozenset[str]:
    """Names that a function's body gives something."""
    return own_names(node) if isinstance(node, FUNCTIONS) else frozenset()


def _calls_with_defaults(piece: _Piece, methods: Mapping[str, Sequence[ast.FunctionDef]]) -> bool:
    """Whether a piece gives a method's parameter a value that has one by default."""
    if piece.words.isdisjoint(methods):
        return False
    for node in walk(piece.node):
        match node:
            case ast.Call(ast.Attribute(attr=name)) if name in methods:
                if any(gives_a_default(node, each) for each in methods[name]):
                    return True
    return False


def _changes_weights(piece: _Piece) -> bool:
    """Whether it may have ``xavier_uniform_(w)``, ``net.apply(f)``, ``{"params": w, "lr": 1}``."""
    words = piece.words
    return (
        any(word[-1] == "_" and word[0] != "_" and len(word) > _SHORT for word in words)
        or ("init" in words and "init." in piece.text)
        or ("apply" in words and ".apply(" in piece.text)
        or ("params" in words and not _RATES.isdisjoint(words))
    )


def _setting_names(piece: _Piece) -> Iterator[str]:
    """What an import calls what sets something."""
    if isinstance(piece.node, ast.Import | ast.ImportFrom):
        is_one = not SETTING.isdisjoint(piece.words)
        yield from piece.names if is_one else ()


def _families(pieces: Iterable[_Piece]) -> dict[str, str]:
    """For each class one name of all that inherit from the same classes of the text."""
    classes = {each.node.name: each.node for each in pieces if isinstance(each.node, ast.ClassDef)}
    near = defaultdict[str, list[str]](list)
    for name, node in classes.items():
        for base in node.bases:
            other = dotted(base).rpartition(".")[2]
            if other in classes:
                near[name].append(other)
                near[other].append(name)
    families = dict[str, str]()
    for name in classes:
        pending = [name]
        while pending:
            each = pending.pop()
            if each not in families:
                families[each] = name
                pending += near[each]
    return families


def _pieces(
    body: Iterable[ast.stmt], lines: Sequence[str], around: ast.ClassDef | None = None
) -> Iterator[_Piece]:
    """Take a text apart into functions, and the statements that are in none."""
    for node in body:
        if isinstance(node, FUNCTIONS):
            text = _text_of_function(node, lines)
            if node.name == "__init__" and around is not None and around.bases:
                # In which super().__init__(…) makes what the class inherits from.
                text += "\n" + "\n".join(map(text_of, around.bases))
            yield _Piece(node, text, (node.name,), around)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for each in node.names:
                yield _Piece(node, each.name, (each.asname or each.name,), around)
        elif isinstance(node, ast.ClassDef):
            bases = [*node.bases, *(each.value for each in node.keywords), *node.decorator_list]
            text = "\n".join(line for each in bases for line in _lines_of(each, lines))
            yield _Piece(node, re.sub(rf"class\s+{node.name}\b", "", text), (node.name,))
            yield from _pieces(node.body, lines, node)
        elif not _is_text(node):
            text, heads = _head(node, lines)
            words = tuple(word for name in _given_by(node, heads) for word in name.split("."))
            yield _Piece(node, text, words, around)
            yield from _pieces(_inner(node), lines, around)


def _text_of_function(node: FUNCTIONS, lines: Sequence[str]) -> str:
    """Its lines but for those that it is documented with."""
    first = min((each.lineno for each in node.decorator_list), default=node.lineno)
    text, begin = lines[first - 1 : node.end_lineno], node.body[0]
    if _is_text(begin) and begin.lineno > node.lineno:
        text = [
            *text[: begin.lineno - first],
            *text[(begin.end_lineno or begin.lineno) - first + 1 :],
        ]
    return "\n".join(text)


def _is_text(node: ast.stmt) -> bool:
    """Whether a statement is a text, such as what a function is documented with."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _lines_of(node: ast.expr, lines: Sequence[str]) -> Sequence[str]:
    return lines[node.lineno - 1 : node.end_lineno or node.lineno]


def _inner(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements right in a statement, such as both branches of an ``if``."""
    for each in children(node):
        if isinstance(each, ast.stmt):
            yield each
        elif isinstance(each, _WITHIN):
            yield from _inner(each)
