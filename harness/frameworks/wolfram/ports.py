"""The ports of a Wolfram layer: sizes, and encoders and decoders of images.

https://reference.wolfram.com/language/ref/netencoder/Image.html
https://reference.wolfram.com/language/ref/netdecoder/Image.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harness.convention.arguments import Arguments
from harness.convention.values import shown
from harness.core.operators import Sizes
from harness.frameworks.wolfram.arrays import dimensions, resolved
from harness.syntax.tree import Call, Name, Value

# https://reference.wolfram.com/language/ref/ColorSpace.html
_CHANNELS: Final = {
    "Grayscale": 1,
    **dict.fromkeys(("RGB", "HSB", "LAB", "LCH", "LUV", "XYZ"), 3),
    "CMYK": 4,
}
_DEFAULT_SIZE: Final = (128, 128)


@dataclass(frozen=True)
class Port:
    """What a port says; ``None`` stands for what it leaves open.

    ``size`` is height and width, or the length; ``is_image`` whether images go in or come out.
    """

    channels: int | None = None
    size: Sizes | None = None
    rank: int | None = None
    is_image: bool = False
    notes: tuple[str, ...] = ()


def port(given: Arguments, name: str, *, last: bool) -> Port:
    """Read ``"Input"`` or ``"Output"``; ``last`` is whether the channels are."""
    value = resolved(given.value(name), given.assigned) if name in given.given else None
    if isinstance(value, str):
        return _coder(given, name, (value,), last=last)
    if isinstance(value, tuple):
        if value and isinstance(value[0], str):
            return _coder(given, name, value, last=last)
        return _array(given, name, value, last=last)
    if isinstance(value, Call) and value.arguments:
        first = value.arguments[0].value
        if value.dotted in {"NetEncoder", "NetDecoder"}:
            return _coder(given, name, first if isinstance(first, tuple) else (first,), last=last)
        if value.dotted == "Rest":
            return _rest_of_dimensions(given, first, last=last)
    if isinstance(value, int | float):
        raise given.error(f'"{name}" must be a list of sizes such as {{3, 64, 64}}.', name)
    return Port()


def _array(given: Arguments, name: str, value: tuple[Value, ...], *, last: bool) -> Port:
    if not 2 <= len(value) <= 3:
        raise given.error(
            f'"{name}" {braces(value)} has {len(value)} sizes; the ports of DeconvolutionLayer '
            "have channels and one or two spatial axes.",
            name,
        )
    for size in value:
        if isinstance(size, float | bool) or (isinstance(size, int) and size < 1):
            raise given.error(f'"{name}" {braces(value)} must be positive integers.', name)
    sizes = tuple(size if isinstance(size, int) else None for size in value)
    channels, spatial = (sizes[-1], sizes[:-1]) if last else (sizes[0], sizes[1:])
    known = tuple(size for size in spatial if size is not None)
    return Port(channels, known if len(known) == len(spatial) else None, len(spatial))


def _rest_of_dimensions(given: Arguments, value: Value, *, last: bool) -> Port:
    """``Rest[Dimensions[x]]`` of an array whose dimensions the text shows."""
    inner = value.arguments[0].value if isinstance(value, Call) and value.arguments else None
    shape = dimensions(inner, given.assigned)
    if shape is None or not isinstance(inner, Name):
        return Port()
    return _array(given, "Input", shape[1:], last=last)


def _coder(given: Arguments, name: str, parts: Sequence[Value], *, last: bool) -> Port:
    """``NetEncoder[{"Image", {28, 28}, "Grayscale"}]`` and its like."""
    if not parts or parts[0] != "Image":
        note = f'"{name}" {braces(parts)}: only the coders of images are read here.'
        return Port(notes=(note,))
    options = dict(_rules(parts[1:]))
    plain = [part for part in parts[1:] if not isinstance(part, Call)]
    space = options.get("ColorSpace", next((p for p in plain if isinstance(p, str)), None))
    channels = _colours(given, name, space, options.get("ColorChannels"), is_input=name == "Input")
    if (options.get("Interleaving") is True) != last and name == "Input":
        raise given.error(
            f'"{name}": the encoder has its channels {"first" if last else "last"}, the layer '
            f"{'last' if last else 'first'}; Interleaving must agree.",
            name,
        )
    if name == "Output":
        return Port(channels, None, 2, is_image=True)
    size = next((part for part in plain if isinstance(part, int | tuple)), None)
    return _encoded(given, name, channels, options.get("ImageSize", size))


def _encoded(given: Arguments, name: str, channels: int | None, size: Value) -> Port:
    if size is None:
        note = f'"{name}": an encoder of images without a size makes them 128 by 128.'
        return Port(channels, _DEFAULT_SIZE, 2, is_image=True, notes=(note,))
    match size if isinstance(size, tuple) else (size, size):
        case (int(width), int(height)) if min(width, height) > 0:
            return Port(channels, (height, width), 2, is_image=True)
        case other:
            raise given.error(f'"{name}": {braces(other)} is no {{width, height}}.', name)


def _colours(
    given: Arguments, name: str, space: Value, channels: Value, *, is_input: bool
) -> int | None:
    """The channels of a colour space; an encoder's is RGB, a decoder's what comes."""
    if isinstance(channels, int):
        return channels
    if space is None:
        return 3 if is_input else None
    if isinstance(space, str):
        if space in _CHANNELS:
            return _CHANNELS[space]
        raise given.error(
            f'"{name}": {space!r} is no colour space of {", ".join(_CHANNELS)}.', name
        )
    return None


def _rules(parts: Sequence[Value]) -> list[tuple[str, Value]]:
    """``"ColorSpace" -> "RGB"`` inside a list."""
    pairs = []
    for part in parts:
        if isinstance(part, Call) and part.dotted in {"Rule", "RuleDelayed"}:
            left, right = (each.value for each in part.arguments)
            pairs.append((left.text if isinstance(left, Name) else str(left), right))
    return pairs


def rules(value: Value, assigned: Mapping[str, Value]) -> list[tuple[str, Value]]:
    """Read ``{"Weights" -> 2, _ -> 0}``, or an association, as pairs."""
    value = resolved(value, assigned)
    if isinstance(value, tuple):
        return _rules(value)
    if isinstance(value, Call) and value.arguments and value.arguments[0].name is not None:
        return [(each.name or "", each.value) for each in value.arguments]
    return _rules((value,))


def braces(values: Sequence[Value]) -> str:
    """Write a list as the language does."""
    return "{" + ", ".join(map(shown, values)) + "}"
