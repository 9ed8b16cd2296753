"""Pictures hold as many elements and products as the arithmetic says, and note what they omit."""

from __future__ import annotations

import math
import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import assume, given
from strategies import sized_operators

from harness.cli.exit_statuses import OK, USAGE
from harness.cli.main import main
from harness.core.operators import Operator, OperatorError, Sizes
from harness.drawing import draw_svg
from harness.drawing.geometry import Limits, axes_of
from impl import reference

SVG = "{http://www.w3.org/2000/svg}"
GOLDEN = Path(__file__).parent / "goldens"
# Each shows something different: overlap and crop; gap and extension; two different axes.
REVIEWED = {
    "overlap": "ic1_oc1_k4_s2_c1.1_n1_i4",
    "gap": "ic1_oc1_k2_s3_c0.-1_n1_i3",
    "plane": "ic1_oc1_k3x2_s2x1_d1x2_c1.0x0.-1_n1_i2x3",
}


def pieces(text: str) -> Counter[str]:
    """Count the drawn pieces by kind, without legends: each M starts a piece of a path."""
    root = ET.fromstring(text)
    for parent in root.iter(f"{SVG}g"):
        for legend in parent.findall(f"{SVG}g[@class='legend']"):
            parent.remove(legend)
    drawn: Counter[str] = Counter()
    for path in root.iter(f"{SVG}path"):
        drawn[path.get("class", "").replace(" thin", "")] += path.get("d", "").count("M")
    return drawn


def written(text: str) -> str:
    """Return the words of a picture."""
    return " ".join("".join(node.itertext()) for node in ET.fromstring(text).iter(f"{SVG}text"))


@given(sized_operators())
def test_an_axis_has_a_line_for_each_product(sized: tuple[Operator, Sizes]) -> None:
    operator, in_size = sized
    full, out = operator.full_size(in_size), operator.out_size(in_size)
    for axis in range(operator.rank):
        drawn = pieces(draw_svg(operator, in_size, axis))
        assert drawn["input"] == in_size[axis]
        assert drawn["link"] + drawn["link off"] == in_size[axis] * operator.kernel[axis]
        cells = drawn["kept"] + drawn["cut"] + drawn["added"]
        assert cells == max(full[axis], 0) + out[axis]


@given(sized_operators())
def test_products_are_those_that_the_definition_sums(sized: tuple[Operator, Sizes]) -> None:
    operator, in_size = sized
    for axis, drawn in enumerate(axes_of(operator, in_size)):
        summed = reference.conv_transpose(
            np.ones((1, 1, in_size[axis]), int),
            np.ones((1, 1, operator.kernel[axis]), int),
            stride=operator.stride[axis],
            dilation=operator.dilation[axis],
            crop=(operator.crop[axis],),
        )
        assert [drawn.count(position) for position in drawn.output] == summed[0, 0].tolist()
        off = pieces(draw_svg(operator, in_size, axis))["link off"]
        assert off == in_size[axis] * operator.kernel[axis] - summed.sum()


@given(sized_operators())
def test_the_plane_has_a_cell_for_each_element(sized: tuple[Operator, Sizes]) -> None:
    operator, in_size = sized
    assume(operator.rank == 2 and min(in_size) > 0)
    whole = draw_svg(operator, in_size)
    alone = sum((pieces(draw_svg(operator, in_size, axis)) for axis in range(2)), Counter())
    if "Height and width" in written(whole):
        alone = pieces(draw_svg(operator, in_size, 0))
    drawn = pieces(whole)
    drawn.subtract(alone)
    full, out = operator.full_size(in_size), operator.out_size(in_size)
    kept = [
        len(range(max(begin, 0), min(extent - end, extent)))
        for extent, (begin, end) in zip(full, operator.crop, strict=True)
    ]
    assert drawn["input"] + drawn["chosen"] == math.prod(in_size)
    assert drawn["reach"] == math.prod(operator.kernel)
    assert drawn["kept"] == math.prod(kept)
    assert drawn["kept"] + drawn["cut"] == math.prod(full)
    assert drawn["kept"] + drawn["added"] == math.prod(out)
    assert drawn["frame"] == (math.prod(out) > 0)


@pytest.mark.parametrize("name", REVIEWED)
def test_pictures_equal_the_reviewed_ones(name: str, tmp_path: Path) -> None:
    """To update one, run ``deconform draw DESCRIPTOR -o FILE.svg`` and look at it."""
    out = tmp_path / "drawn.svg"
    assert main(["draw", REVIEWED[name], "-o", str(out)]) == OK
    assert out.read_bytes() == (GOLDEN / f"{name}.svg").read_bytes()


def test_a_picture_says_the_size_law_with_its_numbers() -> None:
    text = written(draw_svg(Operator.of(1, 1, (3,), stride=2, dilation=2, crop=((-1, 2),)), (4,)))
    assert "input 4 \N{RIGHTWARDS ARROW} full 11 \N{RIGHTWARDS ARROW} output 10" in text
    assert "full 11 = (4 - 1)*2 + 2*(3 - 1) + 1, output 10 = 11 - (-1) - 2" in text
    assert "adds 1" in text
    assert "crop 2" in text
    assert "drawn:" not in text


def test_a_picture_is_described_in_words() -> None:
    root = ET.fromstring(draw_svg(Operator.of(1, 1, (4, 4), stride=2, crop=1), (4, 4)))
    assert root.get("role") == "img"
    assert root[0].tag == f"{SVG}title"
    assert root[1].text == (
        "Input 4x4, kernel 4x4, stride 2x2, dilation 1x1, crop (1, 1) x (1, 1): "
        "full output 10x10, output 8x8."
    )


def test_a_long_axis_is_drawn_with_fewer_elements_and_says_so() -> None:
    text = draw_svg(Operator.of(1, 1, (4,), stride=2, crop=1), (128,))
    assert "drawn: 11 of 128 input elements; each further one adds 2" in written(text)
    assert "full 258 = (128 - 1)*2 + 4" in written(text)
    drawn = pieces(text)
    assert (drawn["input"], drawn["link"] + drawn["link off"], drawn["cut"]) == (11, 44, 2)


def test_only_the_axes_of_a_large_plane_are_drawn() -> None:
    text = draw_svg(Operator.of(1, 1, (64, 64), stride=32, crop=16), (16, 16))
    assert "The plane is not drawn: 3 input elements along the height and 128 positions." in (
        written(text)
    )
    assert pieces(text)["link"] + pieces(text)["link off"] == 3 * 64


@pytest.mark.parametrize(
    ("kernel", "options", "size"),
    [
        (10**6, {"stride": 10**6, "dilation": 10**9}, 10**12),
        (3, {"crop": ((-(10**9), 5),)}, 10**12),
        (3, {"crop": ((10**9, 5),)}, 10**12),
        (1, {"stride": 10**17}, 9),
        (1, {}, 10**17),
    ],
)
def test_axes_of_any_size_are_drawn_in_part(
    kernel: int, options: dict[str, int], size: int
) -> None:
    text = draw_svg(Operator.of(1, 1, (kernel,), **options), (size,))  # type: ignore[arg-type]
    assert len(text) < 40_000
    assert re.search(rf"drawn: .*(of {size} input elements|positions)", written(text))


def test_a_shortened_axis_has_the_ends_of_the_whole() -> None:
    operator = Operator.of(1, 1, (5,), stride=3, dilation=2, crop=((2, 1),))
    (cut,) = axes_of(operator, (50,))
    (whole,) = axes_of(operator, (50,), Limits(whole=1000, longest=1000))
    assert cut.shown < whole.shown
    edge = range(6)
    assert [cut.count(i) for i in edge] == [whole.count(i) for i in edge]
    assert [cut.count(cut.full - 1 - i) for i in edge] == [
        whole.count(whole.full - 1 - i) for i in edge
    ]


def test_three_axes_are_drawn_one_by_one_merging_equal_ones() -> None:
    operator = Operator.of(1, 1, (2, 3, 3), stride=2, crop=((0, 0), (1, 0), (1, 0)))
    text = written(draw_svg(operator, (3, 4, 4)))
    assert re.findall("Depth|Height and width|Width", text) == ["Depth", "Height and width"]
    assert "The axes are independent" in text


@pytest.mark.parametrize(
    ("operator", "size", "axis", "message"),
    [
        (Operator.of(1, 1, (3,)), (3, 3), None, r"input size \[3, 3\] does not have 1 axes"),
        (Operator.of(1, 1, (3,)), (-1,), None, r"input size \[-1\] does not have 1 axes of 0"),
        (Operator.of(1, 1, (3,), crop=4), (3,), None, "output length would be -3"),
        (Operator.of(1, 1, (3,)), (3,), 1, "there is no axis 1: the operator has 1"),
        (Operator.of(1, 1, (3,)), (3,), -1, "there is no axis -1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    operator: Operator, size: Sizes, axis: int | None, message: str
) -> None:
    with pytest.raises(OperatorError, match=message):
        draw_svg(operator, size, axis)


LAYER = "nn.ConvTranspose2d(64, 32, (3, 4), stride=2)"


def test_draw_takes_what_translate_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", LAYER, "--input", "1,64,3,5", "-o", "-"]) == OK
    out = capsys.readouterr().out
    assert out == draw_svg(Operator.of(64, 32, (3, 4), stride=2), (3, 5))


def test_draw_chooses_a_small_input_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.svg"
    call = "nn.ConvTranspose1d(2, 2, 3, padding=9)"
    assert main(["draw", call, "-o", str(out)]) == OK
    assert capsys.readouterr().out == (
        f"wrote {out}, for an input of 32; choose another with --input 1,2,32\n"
    )
    assert out.read_text() == draw_svg(Operator.of(2, 2, (3,), crop=9), (32,))


@pytest.mark.parametrize("axis", ["width", "1"])
def test_draw_shows_one_axis(axis: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", LAYER, "--axis", axis, "-o", "-"]) == OK
    words = written(capsys.readouterr().out)
    assert "Width" in words
    assert "Height" not in words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([LAYER, "-o", "a.svg", "--axis", "depth"], "--axis depth: there are height, width (or "),
        ([LAYER, "-o", "/dev/null/a.svg"], "a.svg cannot be written: a file is where its folder "),
        ([LAYER, "-o", "a.svg", "--input", "1,3,4,4"], "in_channels"),
        (["nothing", "-o", "a.svg"], "error: the text holds no transposed convolution"),
    ],
)
def test_draw_says_what_is_wrong(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["draw", *arguments]) == USAGE
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
