"""Execute Wolfram Language text: a language file of ``worker.py`` that runs inside Mathics3.

Started in Mathics3's own environment, it imports the standard library, NumPy and Mathics3 only.
One session serves all programs.  ``DeconvolutionLayer`` is defined in ``driver/deconvolution.wl``
from its documentation, so what comes out is documented semantics, and is called so.

Arrays are ``NumericArray`` to a program, as a layer takes and gives them.  A message, whatever it
warns of, and a result that is no array of numbers are errors.
"""

from __future__ import annotations

import os
import runpy
import time
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mathics.core.atoms import Integer, NumericArray, String
from mathics.core.builtin import Builtin
from mathics.core.convert.python import from_python
from mathics.core.expression import Expression
from mathics.core.list import ListExpression
from mathics.core.load_builtin import import_and_load_builtins
from mathics.core.parser import MathicsMultiLineFeeder
from mathics.core.symbols import Symbol
from mathics.session import MathicsSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

FOLDER = Path(__file__).with_name("driver")
# Most multiply-adds and output elements of one example for which a layer is evaluated in Wolfram
# Language: Mathics3 takes 0.3 seconds for the smallest, so this leaves it a few dozen cases.
LIMIT = int(os.environ.get("DECONFORM_WOLFRAM_LIMIT", "40"))
TYPES = {"Real32": "float32", "Real64": "float64"}

_DEFINITION = "Deconform`Definition`"
# Symbols that programs and the definition share.
_SHARED = ["NetExtract", "NetInitialize", "NetPortGradient", "NetReplacePart", "WorkingPrecision"]
# Mathics3 sees the numbers of a NumericArray only through these definitions.
_NUMERIC_ARRAYS = """
Unprotect[Dimensions, Normal];
Dimensions[array_NumericArray] := Deconform`Shape[array];
Normal[array_NumericArray] := Deconform`ToList[array];
Protect[Dimensions, Normal];
"""


class WolframError(Exception):
    """A program emitted a message, or left something that is no array of numbers."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Session:
    """A Mathics3 session with the layer's definitions.

    Layers of up to ``LIMIT`` terms and output elements, and all that is out of the ordinary, are
    evaluated in Wolfram Language, others by ``driver/definition.py``.
    """

    def __init__(self) -> None:
        import_and_load_builtins()
        self._session = MathicsSession()
        self._definition = runpy.run_path(str(FOLDER / "definition.py"))
        self._last: tuple[Sequence[Any], Any] = ((), None)
        self._define()
        self._own = set(self._session.definitions.user)

    def evaluate(self, text: str) -> Any:
        """Evaluate all expressions of a text; return what the last one gives.

        Raises
        ------
        WolframError
            At the first message, of the parser or of the evaluation.
        """
        evaluation = self._session.evaluation
        result = None
        for query in self.parsed(text):
            result = query.evaluate(evaluation)
            self._complain()
        return result

    def parsed(self, text: str) -> Iterator[Any]:
        """Read a text, each expression after the one before it was evaluated."""
        evaluation = self._session.evaluation
        feeder = MathicsMultiLineFeeder(text, "program")
        while not feeder.empty():
            evaluation.out.clear()
            # What an error has left counts towards the limits of the next evaluation.
            evaluation.recursion_depth = evaluation.iteration_count = 0
            evaluation.stopped = False
            query = evaluation.parse_feeder(feeder)
            self._complain()
            if query is not None:
                yield query

    def _complain(self) -> None:
        for message in self._session.evaluation.out:
            if hasattr(message, "tag"):
                symbol = message.symbol.rpartition("`")[2]
                raise WolframError(f"{symbol}::{message.tag}", message.text)

    def assign(self, name: str, array: Any) -> None:
        """Set a symbol to an array."""
        self._session.definitions.set_ownvalue("Global`" + name, NumericArray(array))

    def forget(self) -> None:
        """Remove what programs have defined."""
        self._last = ((), None)
        definitions = self._session.definitions
        definitions.set_current_context("Global`")
        for name in set(definitions.user) - self._own:
            definitions.reset_user_definition(name)

    def array(self, name: str, dtype: Any) -> Any:
        """Return a symbol's array; numbers in lists carry no type and get ``dtype``."""
        value = self.evaluate(name)
        try:
            return _ndarray(value, dtype)
        except (TypeError, ValueError):
            unevaluated = str(value)[:200]
            message = f"{name} is no array of numbers but {unevaluated}"
            raise WolframError("Unevaluated", message) from None

    def _define(self) -> None:
        """Define what Mathics3 lacks: what only Python can give, the layer, its fast stand-in."""
        definitions = self._session.definitions
        self._builtin("NumericArray", _numeric_array)
        self._builtin("ArrayPad", self._padded)
        self._builtin("ArrayReshape", _reshaped)
        self._builtin("Deconform`Shape", lambda array: from_python(array.value.shape))
        self._builtin("Deconform`ToList", lambda array: from_python(array.value.tolist()))
        self.evaluate(_NUMERIC_ARRAYS)
        for name in _SHARED:
            self._builtin(name, lambda *_: None)
        # In a context of its own, the definition's layer is another symbol than the programs'.
        definitions.set_current_context(_DEFINITION)
        self.evaluate((FOLDER / "deconvolution.wl").read_text(encoding="utf-8"))
        definitions.set_current_context("Global`")
        self._builtin("DeconvolutionLayer", self._built, self._applied)

    def _builtin(self, name: str, *functions: Callable[..., Any]) -> None:
        """Let functions evaluate ``name[...]`` and ``name[...][...]``; ``None`` leaves it."""

        def built(_self: Any, arguments: Any, evaluation: Any) -> Any:  # noqa: ARG001
            return functions[0](*arguments.get_sequence())

        def applied(_self: Any, arguments: Any, data: Any, evaluation: Any) -> Any:  # noqa: ARG001
            return functions[1](arguments.get_sequence(), data.get_sequence())

        built.__doc__ = f"{name}[arguments___]"
        applied.__doc__ = f"{name}[arguments___][data___]"
        context, _, short = name.rpartition("`")
        members = {"context": context + "`" if context else "System`", "attributes": 0}
        for function in (built, applied)[: len(functions)]:
            members["eval_" + function.__name__] = function
        builtin = type(short, (Builtin,), members)
        builtin(expression=False).contribute(self._session.definitions)

    def _padded(self, array: Any, pairs: Any) -> Any:
        padded = self._definition["padded"](_ndarray(array, "float64"), _plain(pairs))
        return from_python(padded.tolist())

    def _built(self, *arguments: Any) -> Any:
        """Keep a layer that is plain; let the definition complete or refuse another."""
        return None if self._layer(arguments) else self._defined(arguments)

    def _applied(self, arguments: Sequence[Any], data: Sequence[Any]) -> Any:
        """Apply a layer to data by NumPy, where it is plain and large, else by the definition."""
        layer = self._layer(arguments)
        request = layer and _request(data)
        if not request or layer.work <= LIMIT or not _fits(layer, request):
            return Expression(self._built_once(arguments), *data)
        # As Mathics3's own machine numbers: summed in double precision, rounded once.
        x, dy, wanted, dtype = request
        if wanted == "Output":
            result = self._definition["output"](layer, x.astype("float64"))
        else:
            gradient = self._definition["GRADIENTS"][wanted]
            result = gradient(layer, x.astype("float64"), dy.astype("float64"))
        return NumericArray(result.astype(dtype))

    def _built_once(self, arguments: Sequence[Any]) -> Any:
        """Build the definition's layer, but not again for the next gradient."""
        last, layer = self._last
        if list(map(id, last)) != list(map(id, arguments)):
            layer = self._defined(arguments).evaluate(self._session.evaluation)
            self._last = (arguments, layer)
        return layer

    def _defined(self, arguments: Sequence[Any]) -> Any:
        return Expression(Symbol(_DEFINITION + "DeconvolutionLayer"), *arguments)

    def _layer(self, arguments: Sequence[Any]) -> Any:
        """Read a layer of which everything is given and legal."""
        try:
            channels, kernel = (_plain(argument) for argument in arguments[:2])
            given = {_plain(rule.elements[0]): rule.elements[1] for rule in arguments[2:]}
            weights = _ndarray(given.pop("Weights"), "float64").astype("float64")
            biases = given.pop("Biases")
            options = {name: _plain(value) for name, value in given.items()}
            rank = len(kernel)
            layer = self._definition["Layer"](
                channels=channels,
                kernel=kernel,
                stride=_repeated(options.pop("Stride", 1), rank),
                dilation=_repeated(options.pop("Dilation", 1), rank),
                crop=tuple(_repeated(n, 2) for n in _repeated(options.pop("PaddingSize", 0), rank)),
                groups=options.pop("ChannelGroups", 1),
                weights=weights,
                biases=None if _plain(biases) == "None" else _ndarray(biases, "float64"),
                input=options.pop("Input"),
            )
            return layer if not options and layer.is_legal() else None
        except (AttributeError, LookupError, TypeError, ValueError):
            return None


def _request(data: Sequence[Any]) -> tuple[Any, Any, str, str] | None:
    """Read what a layer is applied to: input, gradient at the output, what is wanted, dtype."""
    try:
        first, *rest = data
        dtype = "float32"
        if rest and rest[-1].has_form("Rule", 2):
            option, kind = map(_plain, rest.pop().elements)
            dtype = TYPES[kind] if option == "WorkingPrecision" else ""
        if isinstance(first, NumericArray) and not rest and dtype:
            return first.value, None, "Output", dtype
        given = {str(rule.elements[0]): rule.elements[1] for rule in first.elements}
        x, dy = given['"Input"'], given['System`NetPortGradient["Output"]']
        if not (isinstance(x, NumericArray) and isinstance(dy, NumericArray)):
            return None  # Lists give lists, which the definition itself sees to.
        (port,) = rest
        return x.value, dy.value, _plain(port.elements[0]), dtype
    except (AttributeError, LookupError, TypeError, ValueError):
        return None


def _fits(layer: Any, request: tuple[Any, Any, str, str]) -> bool:
    """Whether the arrays are batches of what a layer takes and gives."""
    x, dy, wanted, dtype = request
    out = (len(x), layer.channels, *layer.out_size) if x.ndim else ()
    return (
        x.shape[1:] == layer.input
        and (dy is None or dy.shape == out)
        and wanted in {"Output", "Input", "Weights", "Biases"}
        and (wanted != "Biases" or layer.biases is not None)
        and bool(dtype and len(x))
    )


def _repeated(value: Any, times: int) -> Any:
    return (value,) * times if isinstance(value, int) else value


def _plain(value: Any) -> Any:
    """Return an expression as Python would write it: ints, strings, names, tuples of them."""
    if isinstance(value, ListExpression):
        return tuple(map(_plain, value.elements))
    if isinstance(value, (Integer, String)):
        return value.value
    return value.get_name().rpartition("`")[2] if isinstance(value, Symbol) else value


def _reshaped(array: Any, sizes: Any) -> Any:
    return from_python(_ndarray(array, "float64").reshape(_plain(sizes)).tolist())


def _numeric_array(elements: Any, kind: Any) -> Any:
    return NumericArray(_ndarray(elements, "float64").astype(TYPES[kind.value]))


def _ndarray(value: Any, dtype: Any) -> Any:
    """Make an array of a NumericArray, or of lists of numbers."""
    if isinstance(value, NumericArray):
        return value.value
    array = np.array(value.to_python())
    if array.dtype.kind not in "iuf":  # True, None and symbols are no numbers.
        raise TypeError(array.dtype)
    return array.astype(dtype)


_session: list[Session] = []


def start(_module: str, distribution: str) -> dict[str, Any]:
    """Start a session; say what is running here."""
    release = version(distribution)
    _session.append(Session())
    engine = f"documented semantics (Mathics3 {release}; beyond {LIMIT} terms NumPy)"
    return {"version": release, "engine": engine}


def execute(
    sections: Sequence[tuple[str, str]], arrays: Mapping[str, Any], outputs: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run the sections in the session; return the outputs, the seconds of each, or the error."""
    (session,) = _session
    for name, array in arrays.items():
        session.assign(name, array)
    seconds = {}
    section = "setup"
    try:
        for section, text in sections:
            began = time.perf_counter()
            session.evaluate(text)
            seconds[section] = time.perf_counter() - began
        dtype = arrays["x"].dtype
        results = {name: session.array(name, dtype) for name in outputs}
    except Exception as error:
        return {
            "op": "raised",
            "section": section,
            "type": getattr(error, "kind", type(error).__name__),
            "message": str(error)[:2000],
            "traceback": traceback.format_exc(limit=-3)[-4000:],
        }, {}
    finally:
        session.forget()
    return {"op": "result", "seconds": seconds}, results
