"""Libraries that are not read here, though calls of theirs look like a framework's that is.

They copy names and put other arguments, or other weights, behind them.  Each is known by the
modules that it is imported from, by what its calls are usually written with, and by arguments that
only it has.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from harness.syntax.tree import Call, Name


class Library(NamedTuple):
    """A library, and how its calls are recognised."""

    title: str
    modules: tuple[str, ...] = ()  # That it is imported from
    usual: str = ""  # A regular expression for other calls where nothing is imported
    keywords: frozenset[str] = frozenset()  # Arguments that only its calls have


def _library(title: str, modules: str, usual: str = "", keywords: str = "") -> Library:
    return Library(title, tuple(modules.split()), usual, frozenset(keywords.split()))


LIBRARIES: Final = (
    _library("Keras 3's ops", "tensorflow.keras.ops", r"tf\.keras\.ops\..+"),
    _library("OneFlow", "oneflow"),
    _library("MegEngine", "megengine mge"),
    _library(
        "MindSpore",
        "mindspore ms",
        r"ops\.(?!.*backprop_data).+|nn\.Conv[123]dTranspose",
        "has_bias pad_mode",
    ),
    _library("Jittor", "jittor jt"),
    _library("NNabla", "nnabla", r"PF\.deconvolution", "outmaps"),
    _library("Sonnet", "sonnet snt", keywords="output_channels"),
    _library("TensorLayer", "tensorlayer tensorlayerx tl tlx"),
    _library("TFLearn", "tflearn"),
    _library("Lasagne", "lasagne"),
    _library("TT-NN", "ttnn", keywords="input_tensor weight_tensor"),
    _library("CNTK", "cntk"),
    _library("Theano", "theano"),
)

# Compiled by ``re`` when first used: most look-ups do without.
# Names that some library may have for a transposed convolution.
LIKELY: Final = r"(?i:conv\w{0,12}transpose|transposed?_?conv|deconv)"
_IMPORT: Final = (
    r"^[ \t]*(?:from[ \t]+(?P<module>[\w.]+)[ \t]+import[ \t]+(?P<names>\([^()]*\)|[\w \t,]+)"
    r"|import[ \t]+(?P<plain>[\w.]+)(?:[ \t]+as[ \t]+(?P<alias>\w+))?)"
)

# Texts that are no calls at all, but name what a call would.
TEXTS: Final = {
    r"\btorch::nn::|\bF::conv_transpose": "C++ of LibTorch",
    r"\bTransposedConvolution[123]DLayer\s+with\s+properties": "what MATLAB shows of a layer",
}


@lru_cache(maxsize=256)  # A call is read again and again where its sizes are names.
def imported(path: str) -> Library | None:
    """Return the library that a module's or a function's full name is of."""
    prefixes = {path[: match.start()] for match in re.finditer(r"\.|$", path)}
    return next((each for each in LIBRARIES if prefixes & {*each.modules}), None)


def recognised(call: Call, *, by_keywords: bool = True) -> Library | None:
    """Return the library that a call's own name, or one of its arguments, shows it to be of."""
    root, dot, _ = call.dotted.partition(".")
    for each in LIBRARIES:
        is_usual = each.usual and re.fullmatch(each.usual, call.dotted)
        has_keyword = by_keywords and call.named.keys() & each.keywords
        if is_usual or (dot and root in each.modules) or has_keyword:
            return each
    return None


def text_kind(text: str) -> str | None:
    """Return what a text is that is not read here, where it shows it."""
    return next((kind for pattern, kind in TEXTS.items() if re.search(pattern, text)), None)


def called(text: str, dotted: str) -> Library | None:
    """Return the library of a dotted name in a text of which nothing is known but its imports."""
    root = dotted.partition(".")[0]
    for match in re.finditer(_IMPORT, text, re.MULTILINE):
        names = match["names"] or match["alias"] or match["plain"].partition(".")[0]
        if root in {name.split(" as ")[-1].strip() for name in names.strip("()").split(",")}:
            return imported(match["module"] or match["plain"])
    return recognised(Call(Name(dotted, 0), (), 0))
