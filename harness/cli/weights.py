"""``deconform weights``: convert the transposed convolutions of a file of weights."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.exit_statuses import OK
from harness.cli.options import positive

if TYPE_CHECKING:
    from harness.lookup.reading import FoundCall
    from harness.syntax.stored_paths import StoredPath
    from harness.weights.choice import SourceLayer


def add(parser: argparse.ArgumentParser) -> None:
    formats = ".npy .npz .safetensors .mat .wxf .pt .pth .h5 .params"
    parser.add_argument("file", type=Path, metavar="IN", help=f"{formats}, .keras and .onnx")
    parser.add_argument("out", type=Path, metavar="OUT", help=f"another file: {formats}")
    for name, dest in (("from", "source"), ("to", "target")):
        parser.add_argument(
            f"--{name}", dest=dest, required=True, metavar="NAME", help="or a layout such as IOHW"
        )
    parser.add_argument(
        "--groups",
        type=_groups,
        action="append",
        default=[],
        metavar="N|LAYERS=N",
        help="channel groups, of all layers or of those like a pattern",
    )
    parser.add_argument(
        "--rank", type=int, choices=(1, 2, 3), help="spatial axes, where MATLAB leaves it open"
    )
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--layers",
        action="append",
        default=[],
        metavar="PATTERN",
        help="the layers, by their names or their weights': 'ups.*' (repeatable)",
    )
    ways.add_argument(
        "--source",
        dest="model",
        metavar="FILE.py",
        help="the layers are those of this source, with their groups and biases",
    )
    for name, about in (
        ("weight", "the array of weights; may be repeated (the one of three axes or more)"),
        ("bias", "the array of each one's bias, - for none (the one that is named like it)"),
    ):
        (ways if name == "weight" else parser).add_argument(
            f"--{name}-name", action="append", default=[], metavar="NAME", help=about
        )
    parser.add_argument(
        "--key", default="", metavar="NAME", help="read only what is under this name"
    )
    parser.add_argument(
        "--rest", choices=("copy", "drop"), default="copy", help="what to do with other arrays"
    )
    parser.add_argument(
        "--rename", action="store_true", help="name the arrays as the target's loader does"
    )
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def _groups(text: str) -> tuple[str, int]:
    """Read ``4``, or ``up3=4`` for the layers like ``up3``."""
    pattern, sign, number = text.rpartition("=")
    try:
        return (pattern if sign else "*"), positive(number)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not such as 4 or up3=4") from None


def _source(file: str) -> list[SourceLayer]:
    """Read a model's source; an error names the file, as there are two."""
    from harness.cli.options import UsageError
    from harness.cli.wording import in_options
    from harness.syntax.tree import SnippetError

    try:
        return _layers(file)
    except SnippetError as error:
        raise UsageError(f"{file}: {error.worded(in_options)}") from None


def _layers(file: str) -> list[SourceLayer]:
    """Read the transposed convolutions of a model's source, and where it keeps them."""
    from harness.lookup.reading import find_every
    from harness.syntax.documents import read_document
    from harness.syntax.stored_paths import stored_paths
    from harness.syntax.tree import SnippetError
    from harness.weights.choice import SourceLayer

    document = read_document(Path(file), file)
    calls: dict[int, list[FoundCall]] = {}
    for found in find_every(document.text):
        if isinstance(found, SnippetError):
            raise found
        calls.setdefault(found.site.call.column, []).append(found)
    layers = []
    for path in stored_paths(document.text):
        place = f"{document.place(path.line)} {path.function}"
        here = calls.get(path.offset, [])
        if not here and not path.is_harmless:
            is_sure = "conv" in path.function.lower()
            layers.append(SourceLayer(path.path, place, path.root, is_sure=is_sure))
        # What is made in several places is read for each of them.
        own = [each for each in here if {*path.through} <= {*each.site.columns}]
        layers += [_layer(each, path, place) for each in own or here]
    return layers


def _layer(found: FoundCall, path: StoredPath, place: str) -> SourceLayer:
    from harness.convention.reading import NOTHING
    from harness.convention.registry import distinct_conventions
    from harness.core.named_number import Named
    from harness.lookup.every import look_up_found
    from harness.weights.choice import SourceLayer

    def number(size: int) -> int | None:
        return None if isinstance(size, Named) else size

    canonical = [each.name for each in distinct_conventions() if each.is_canonical]
    look = look_up_found(found, NOTHING, canonical, "function")
    operator = look.reading.operator
    return SourceLayer(
        path.path,
        place,
        path.root,
        operator.rank,
        groups=number(operator.groups),
        bias=None if look.truth else operator.bias,
        in_channels=number(operator.in_channels),
        out_channels=number(operator.out_channels),
        kernel=tuple(map(number, operator.kernel)),
    )


def run(options: argparse.Namespace) -> int:
    from harness.weights.conversion import convert_file

    done = convert_file(
        options.file,
        options.out,
        options.source,
        options.target,
        groups=options.groups,
        rank=options.rank,
        weight_names=options.weight_name,
        bias_names=options.bias_name,
        patterns=options.layers,
        layers=_source(options.model) if options.model else (),
        key=options.key,
        rest=options.rest,
        renames=options.rename,
    )
    if options.json:
        import json

        print(json.dumps({**done.to_json(), "file": str(options.out)}, indent=2))
    else:
        print(f"{done.text}\nwrote {options.out}")
    return OK
