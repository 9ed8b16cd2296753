"""What an answer shows, executed as a reader would: nothing of ours is set or installed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import reality

from harness import load_cases
from harness.convention.signature import Style
from harness.core.operators import Operator
from harness.core.program import Program
from harness.engines.job import Arrays
from harness.execution.column import Column
from harness.lookup.answer import Translation, look_up

pytestmark = pytest.mark.frameworks

# What a reader does with arrays that have the framework's layout, and with the output.
NATIVE = {
    "numpy": ("x_ = x", "{}", "y"),
    "pytorch": ("x_ = torch.from_numpy(x)", "torch.from_numpy({})", "y_.detach().numpy()"),
    "paddle": ("x_ = paddle.to_tensor(x)", "paddle.to_tensor({})", "y_.numpy()"),
    "chainer": ("x_ = chainer.Variable(x)", "chainer.Variable({})", "y_.array"),
    "mxnet": ("x_ = mx.nd.array(x)", "mx.nd.array({})", "y_.asnumpy()"),
    "tensorflow": (
        "x_ = tf.constant(np.moveaxis(x, 1, -1))",
        "tf.constant({})",
        "np.moveaxis(y_.numpy(), -1, 1)",
    ),
}
_NUMBER = re.compile(r"\d+")


@cache
def operators() -> tuple[Operator, ...]:
    """The operators of the default suite, with few channels in a group: each text once."""
    legal = (case.operator for case in load_cases() if not case.rejected)
    return tuple(dict.fromkeys(map(_small, legal)))


def _small(operator: Operator) -> Operator:
    groups = operator.groups
    return replace(
        operator,
        in_channels=groups * min(operator.in_channels // groups, 3),
        out_channels=groups * min(operator.out_channels // groups, 2),
    )


def shown(translation: Translation, style: Style, source: str) -> str:
    """What a reader pastes: the imports, the weights and the bias as the answer says, the call.

    The reader's weights have the layout of ``source``.
    """
    program, of_reading = translation.answer, translation.from_canonical
    assert isinstance(program, Program)
    change = of_reading._replace(source=source)
    to_input, tensor, output = NATIVE[translation.framework]
    lines = [program.setup, "import numpy as np"]
    if source == "tensorflow":
        lines.append("w = np.moveaxis(w, (0, 1), (-1, -2))")
    lines += [f"w = {change.code()}", to_input]
    # A layer is given the arrays themselves.
    names = "wb" if style == "function" else "w"
    to_tensor = tensor if style == "function" else "{}"
    lines += [f"{name}_ = {to_tensor.format(name)}" for name in names]
    return "\n".join([*lines, program.call, f"y = {output}"])


def jobs(
    framework: str, style: Style, wanted: Sequence[Operator]
) -> Iterator[tuple[Operator, reality.Job]]:
    """Yield what is shown of the operators that the framework has, and arrays for it.

    Of texts that differ in numbers alone, the first: conformance executes the others too.
    """
    generator, seen = random.Random(11), set[str]()
    for place, operator in enumerate(wanted):
        source = ("pytorch", "tensorflow")[place % 2]
        (translation,) = look_up(operator.descriptor, to=[framework], style=style).translations
        if not isinstance(translation.answer, Program):
            continue
        in_size = next(
            size
            for size in ((n,) * operator.rank for n in range(2, 99))
            if min(operator.out_size(size)) > 0
        )
        shapes = {
            "x": (2, operator.in_channels, *in_size),
            "w": operator.weight_shape,
            "b": (operator.out_channels,),
        }
        arrays = {name: reality.integers(shape, generator) for name, shape in shapes.items()}
        if framework in NATIVE:
            text = shown(translation, style, source)
        else:
            # Mathics3 has no Transpose by a list.
            source = "pytorch" if framework == "wolfram" else source
            text = interpreted(translation, source, operator.rank)
        if (kind := _NUMBER.sub("0", text)) not in seen:
            seen.add(kind)
            yield operator, reality.Job(text, ("y",), arrays)


def interpreted(translation: Translation, source: str, rank: int) -> str:
    """What a reader pastes into MATLAB or a Wolfram kernel."""
    program, change = translation.answer, translation.from_canonical._replace(source=source)
    assert isinstance(program, Program)
    weights, bias = change.code(), translation.bias_code(change) or "b"
    if translation.framework == "wolfram":
        return f"w = {weights};\nb = {bias};\n{program.call}"
    axes = [*range(3, 3 + rank), 2, 1]
    back = [axes.index(axis) + 1 for axis in range(1, 3 + rank)]
    return "\n".join(
        [
            f"w = permute(w, {axes});" if source == "tensorflow" else "",
            f"x_ = dlarray(permute(x, {axes}), '{'S' * rank}CB');",
            f"w_ = {weights};",
            f"b_ = {bias};",
            program.call,
            f"y = permute(extractdata(y_), {back});",
        ]
    )


def wrong(
    framework: str, done: Sequence[tuple[Operator, reality.Job]], environ: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """Run texts; return those that do not compute their operator.

    A variable that a text sets before its import counts for the first import of a process only, so
    texts that set one have a process of their own.
    """
    failed = []
    for sets in (False, True):
        part = [each for each in done if ("os.environ" in each[1].text) == sets]
        answers = reality.run(framework, [job for _, job in part], environ) if part else []
        failed += [
            (operator.descriptor, job.text, answer.get("error", "other numbers"))
            for (operator, job), answer in zip(part, answers, strict=True)
            if answer.get("y") != reality.expected(operator, job.arrays)["y"].tolist()
        ]
    return failed


@pytest.mark.parametrize("style", ["function", "layer"])
@pytest.mark.parametrize("framework", NATIVE)
def test_what_is_shown_computes_the_operator(framework: str, style: Style) -> None:
    done = list(jobs(framework, style, operators()))
    assert wrong(framework, done, {}) == []
    assert len(done) > 150


@pytest.mark.parametrize(
    ("framework", "style", "least"),
    [("matlab", "function", 200), ("matlab", "layer", 90), ("wolfram", "layer", 120)],
)
def test_what_is_shown_of_other_languages_computes_the_operator(
    framework: str, style: Style, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In GNU Octave and Mathics3, all texts in one process of each."""
    # All layers by NumPy: what is tried here are the texts.
    monkeypatch.setenv("DECONFORM_WOLFRAM_LIMIT", "0")
    failed, done = [], list(jobs(framework, style, operators()))
    with closing(Column(framework)) as column:
        column.start()
        for operator, job in done:
            arrays = {name: np.array(array, "float32") for name, array in job.arrays.items()}
            answer = reality.outcome(column.engine, job.text, ("y",), **arrays)
            right = reality.expected(operator, job.arrays)["y"]
            if not isinstance(answer, Arrays) or not np.array_equal(answer.outputs["y"], right):
                failed.append((operator.descriptor, job.text, answer))
    assert failed == []
    assert len(done) > least


@pytest.mark.parametrize("style", ["function", "layer"])
def test_tensorflows_texts_with_dilations_need_no_processor_with_avx_512(style: Style) -> None:
    """Where TensorFlow would leave oneDNN off, as it does on such processors, texts turn it on."""
    dilated = [operator for operator in operators() if max(operator.dilation) > 1]
    done = list(jobs("tensorflow", style, dilated))
    assert wrong("tensorflow", done, {"TF_ENABLE_ONEDNN_OPTS": "0"}) == []
    assert len(done) > 20
