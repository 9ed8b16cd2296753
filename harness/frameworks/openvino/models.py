"""OpenVINO's models (``.xml``): the layers of both operations, and a bias that is added after one.

https://docs.openvino.ai/2026/documentation/openvino-ir-format.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.convention.layers import Found, Layer, Refused
from harness.core.bounded import MIB, head_of, read_bytes
from harness.core.errors import InputError
from harness.frameworks.openvino.calls import NOTED
from harness.syntax.openvino_ir import statements
from harness.syntax.tree import Call, Name, SnippetError

_MOST_BYTES: Final = 256 * MIB
_NET: Final = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*)?<net\b")
_COMPUTED: Final = (
    "output_shape is computed when the model runs: convert it with a fixed size of its input."
)
_FORMS: Final = {form.name.rpartition(".")[2]: form for form in NOTED}


def is_model(path: Path) -> bool:
    """Whether a file begins as such a model does."""
    return _NET.match(head_of(path)) is not None


def layers(path: Path) -> Iterator[Found]:
    """Yield the transposed convolutions of a model."""
    try:
        for statement in statements(read_bytes(path, _MOST_BYTES)):
            call = statement.value
            assert isinstance(call, Call)
            name = statement.target or ""
            if isinstance(call.named.get("output_shape"), Name):
                yield Refused(name, _COMPUTED)
            else:
                yield Layer(name, _FORMS[call.dotted], call.named)
    except SnippetError as error:
        raise InputError(f"{path.name} is no whole model of OpenVINO: {error.fact}") from None
