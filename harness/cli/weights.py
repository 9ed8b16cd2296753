"""``deconform weights``: convert arrays of weights between frameworks' layouts."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli.exit_statuses import OK
from harness.cli.options import positive


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="IN", help=".npy .npz .safetensors .mat .wxf")
    parser.add_argument("out", type=Path, metavar="OUT", help="any of these, another file")
    parser.add_argument("--from", dest="source", required=True, metavar="NAME")
    parser.add_argument("--to", dest="target", required=True, metavar="NAME")
    parser.add_argument("--groups", type=positive, default=1, metavar="N", help="channel groups")
    parser.add_argument(
        "--rank", type=int, choices=(1, 2, 3), help="spatial axes, where MATLAB leaves it open"
    )
    for name, about in (
        ("weight", "the array of weights; may be repeated (the one of three axes or more)"),
        ("bias", "the array of each one's bias, - for none (the one that is named like it)"),
    ):
        parser.add_argument(
            f"--{name}-name", action="append", default=[], metavar="NAME", help=about
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
    )
    print(f"{done.text}\nwrote {options.out}")
    return OK
