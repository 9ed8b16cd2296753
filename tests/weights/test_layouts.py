"""Weights between layouts: every pair of frameworks, each text executed."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from weight_samples import FRAMEWORKS, LAYOUTS, PYTHON, Array, biases, canonical, native

from harness.core.errors import InputError
from harness.weights.layouts import LayoutChange, WeightsError, rank_of, readings

# A test for each source: one for each pair, and each kind of weights, would be hundreds.
TARGETS_RANKS_AND_GROUPS = [*product(FRAMEWORKS, (1, 2, 3), (1, 2, 3))]


def may_have(source: str, groups: int) -> bool:
    """Whether weights in a layout may have this many groups."""
    return source in FRAMEWORKS or LAYOUTS[source] == (groups > 1)


@pytest.mark.parametrize("source", [*FRAMEWORKS, *LAYOUTS])
def test_every_pair_of_frameworks(source: str) -> None:
    for target, rank, groups in TARGETS_RANKS_AND_GROUPS:
        if not may_have(source, groups):
            continue
        w = canonical(rank, groups)
        before, after = native(w, source, groups), native(w, target, groups)
        got = LayoutChange(source, target, rank, groups).converted(before)
        np.testing.assert_array_equal(got, after, strict=True)


def executed(text: str, w: Array, language: str) -> Array:
    if language == "python":
        scope = {"w": w}
        exec(f"y = {text}", scope)
        return scope["y"]
    if text == "w":
        return w
    # Wolfram's documents: level k of the list becomes level n_k; Flatten joins the listed levels.
    match = re.fullmatch(r"(Transpose|Flatten)\[(.*?), \{((?:\{[\d, ]+\}[, ]*)+|[\d, ]+)\}\]", text)
    assert match
    w = inside(match[2], w)
    if match[1] == "Transpose":
        return np.moveaxis(w, range(w.ndim), [int(level) - 1 for level in match[3].split(",")])
    joined = [[int(n) - 1 for n in one.split(",")] for one in re.findall(r"\{(.*?)\}", match[3])]
    sizes = [int(np.prod([w.shape[axis] for axis in axes])) for axes in joined]
    return w.transpose([axis for axes in joined for axis in axes]).reshape(sizes)


def inside(text: str, w: Array) -> Array:
    """Reverse turns levels round; MapAt divides one of the dimensions that ArrayReshape takes."""
    if match := re.fullmatch(r"Reverse\[(.*), \{([\d, ]*)\}\]", text):
        flipped: Array = np.flip(
            inside(match[1], w), tuple(int(level) - 1 for level in match[2].split(","))
        )
        return flipped
    dimensions = r"Flatten\[MapAt\[\{(\d), #/\1\} &, Dimensions\[w\], (\d)\]\]"
    if match := re.fullmatch(rf"ArrayReshape\[w, {dimensions}\]", text):
        groups, at = int(match[1]), int(match[2]) - 1
        return w.reshape(*w.shape[:at], groups, w.shape[at] // groups, *w.shape[at + 1 :])
    assert text == "w"
    return w


@pytest.mark.parametrize(("target", "groups"), [(each, 1 + has) for each, has in LAYOUTS.items()])
def test_layouts_of_texts_are_written_too(target: str, groups: int) -> None:
    for source, rank in product([*FRAMEWORKS, *LAYOUTS], (1, 2, 3)):
        if may_have(source, groups):
            w = canonical(rank, groups)
            change = LayoutChange(source, target, rank, groups)
            got = change.converted(native(w, source, groups))
            np.testing.assert_array_equal(got, native(w, target, groups), strict=True)


@pytest.mark.parametrize("source", [*FRAMEWORKS, *LAYOUTS])
def test_code_does_what_it_says(source: str) -> None:
    for target, rank, groups in TARGETS_RANKS_AND_GROUPS:
        if target == "matlab" or not may_have(source, groups):
            continue  # Octave shows MATLAB's, below.
        language = "python" if target in PYTHON else target
        w = canonical(rank, groups)
        text = LayoutChange(source, target, rank, groups).code()
        got = executed(text, native(w, source, groups), language)
        np.testing.assert_array_equal(got, native(w, target, groups), strict=True)


@pytest.mark.frameworks
@pytest.mark.skipif(shutil.which("octave-cli") is None, reason="apt-get install octave")
def test_matlab_code_does_what_it_says_in_octave(tmp_path: Path) -> None:
    drawn = product([*FRAMEWORKS, *LAYOUTS], (1, 2, 3), (1, 2, 3), (5, 1))
    cases = [case for case in drawn if may_have(case[0], case[2])]
    given, script = {}, ["load given.mat"]
    for number, (source, rank, groups, c_out) in enumerate(cases):
        w = canonical(rank, groups)[:, :c_out]
        given[f"w{number}"] = native(w, source, groups)
        given[f"b{number}"] = biases(c_out * groups, source, rank, groups)
        change, weight, bias = (
            LayoutChange(source, "matlab", rank, groups),
            f"w{number}",
            f"b{number}",
        )
        script += [f"{weight} = {change.code(weight)};", f"{bias} = {change.bias_code(bias)};"]
    scipy.io.savemat(tmp_path / "given.mat", given)
    script += ["save('-v7', 'got.mat', 'w*', 'b*')"]
    (tmp_path / "script.m").write_text("\n".join(script))
    subprocess.run(["octave-cli", "--norc", "script.m"], cwd=tmp_path, check=True, timeout=60)
    got = scipy.io.loadmat(str(tmp_path / "got.mat"))
    for number, (_, rank, groups, c_out) in enumerate(cases):
        w, b = got[f"w{number}"], got[f"b{number}"]
        whole = readings(w.shape, "matlab", groups)[rank]
        expected = native(canonical(rank, groups)[:, :c_out], "matlab", groups)
        np.testing.assert_array_equal(w.reshape(whole), expected)
        expected = biases(c_out * groups, "matlab", rank, groups)
        np.testing.assert_array_equal(b.reshape(expected.shape), expected)


@pytest.mark.parametrize("source", FRAMEWORKS)
def test_biases(source: str) -> None:
    for target, rank, groups in TARGETS_RANKS_AND_GROUPS:
        before, after = (biases(6, framework, rank, groups) for framework in (source, target))
        change = LayoutChange(source, target, rank, groups)
        got = change.converted_bias(before)
        np.testing.assert_array_equal(got, after, strict=True)
        if target in PYTHON:
            scope = {"b": before}
            exec(f"y = {change.bias_code()}", scope)
            np.testing.assert_array_equal(scope["y"], after, strict=True)


@pytest.mark.parametrize(
    ("source", "target", "options", "weights", "bias", "text"),
    [
        ("pytorch", "tensorflow", {}, "IOHW -> HWOI", "O -> O", "w.transpose(2, 3, 1, 0)"),
        ("tensorflow", "wolfram", {}, "HWOI -> IOHW", "O -> O", "Transpose[w, {3, 4, 2, 1}]"),
        ("mxnet", "matlab", {}, "IOHW -> HWOI", "O -> 1 1 O", "permute(w, [3 4 2 1])"),
        ("mxnet", "matlab", {"rank": 1}, "IOW -> WOI", "O -> 1 O", "permute(w, [3 2 1])"),
        ("matlab", "tensorflow", {"rank": 3}, "DHWOI -> DHWOI", "1 1 1 O -> O", "w"),
        (
            "chainer",
            "matlab",
            {"groups": 2},
            "(G I) O H W -> H W O I G",
            "O -> O",
            "permute(reshape(w, [], 2, size(w, 2), size(w, 3), size(w, 4)), [4 5 3 1 2])",
        ),
        (
            "matlab",
            "pytorch",
            {"groups": 3},
            "H W O I G -> (G I) O H W",
            "O -> O",
            "w.transpose(4, 3, 2, 0, 1).reshape(-1, w.shape[2], w.shape[0], w.shape[1])",
        ),
        (
            "matlab",
            "wolfram",
            {"groups": 3},
            "H W O I G -> (G I) O H W",
            "O -> O",
            "Flatten[w, {{5, 4}, {3}, {1}, {2}}]",
        ),
        (
            "(GO)Ihw",
            "pytorch",
            {"groups": 3},
            "(G O) I h w -> (G I) O H W",
            "O -> O",
            "w.reshape(3, -1, *w.shape[1:])[:, :, :, ::-1, ::-1].transpose(0, 2, 1, 3, 4)"
            ".reshape(-1, w.shape[0] // 3, w.shape[2], w.shape[3]).copy()",
        ),
        (
            "pytorch",
            "jax",
            {"groups": 2, "rank": 1},
            "(G I) O W -> w I (G O)",
            "O -> O",
            "w.reshape(2, -1, *w.shape[1:])[:, :, :, ::-1].transpose(3, 1, 0, 2)"
            ".reshape(w.shape[2], w.shape[0] // 2, -1).copy()",
        ),
        (
            "hwIO",
            "wolfram",
            {},
            "hwIO -> IOHW",
            "O -> O",
            "Transpose[Reverse[w, {1, 2}], {3, 4, 1, 2}]",
        ),
        (
            "OIhw",
            "matlab",
            {},
            "OIhw -> HWOI",
            "O -> 1 1 O",
            "permute(flip(flip(w, 3), 4), [3 4 1 2])",
        ),
    ],
)
def test_texts(
    source: str, target: str, options: dict[str, int], weights: str, bias: str, text: str
) -> None:
    change = LayoutChange(source, target, **options)
    assert (change.pattern, change.bias_pattern, change.code()) == (weights, bias, text)


def test_permutation_is_a_view() -> None:
    w = canonical(2, 1)
    assert np.shares_memory(LayoutChange("pytorch", "tensorflow").converted(w), w)
    assert np.shares_memory(LayoutChange("pytorch", "matlab", groups=2).converted(w), w)


@pytest.mark.parametrize(
    ("shape", "framework", "groups", "message"),
    [
        ((3, 4), "pytorch", 1, "weights of 2 axes are none of pytorch's: IOW, IOHW, IODHW."),
        ((2, 3, 4, 5, 6, 7), "tensorflow", 1, "weights of 6 axes are none of tensorflow's"),
        ((3, 4, 5), "matlab", 2, "none of matlab's with 2 groups: WOIG, HWOIG, DHWOIG."),
        ((2, 3, 4, 5, 6), "matlab", 2, "have 6 groups (HWOIG), not 2."),
        ((4, 3, 2, 2), "pytorch", 3, "have 4 input channels, which 3 groups do not divide."),
        ((4, 3, 2, 2), "pytorch", 0, "groups 0 must be at least 1."),
        ((4, 3, 2, 2), "pytroch", 1, "unknown framework 'pytroch'. Did you mean 'pytorch'?"),
    ],
)
def test_wrong_shapes(shape: tuple[int, ...], framework: str, groups: int, message: str) -> None:
    def convert() -> Array:
        rank = rank_of(len(shape), framework, groups)
        return LayoutChange(framework, "numpy", rank, groups).converted(np.zeros(shape))

    with pytest.raises(InputError, match=re.escape(message)):
        convert()


def test_bias_of_two_axes_is_refused() -> None:
    with pytest.raises(WeightsError, match=re.escape("this has the shape (2, 3).")):
        LayoutChange("pytorch", "matlab").converted_bias(np.zeros((2, 3)))
