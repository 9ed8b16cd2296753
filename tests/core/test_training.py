"""What programs say about training, and what they leave unsaid."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import layer

import harness
from harness.convention.registry import convention, framework_names
from harness.core.operators import Operator
from harness.core.program import Program
from harness.core.training import GLOROT, ONES, SILENT, ZEROS, Distribution, Initializer, Training
from harness.lookup.answer import look_up

PLAIN = Operator.of(2, 3, (3, 2), stride=2)
LATE = Operator.of(2, 3, (3, 2), crop=((-1, 0), (0, 0)))
UNBIASED = Operator.of(2, 3, (3, 2), bias=False)
# Frameworks whose layers have anything to say.
LAYERS = tuple(name for name in framework_names() if convention(name).layer is not None)


def whole(framework: str, operator: Operator, training: Training) -> str:
    found = layer(framework, operator, training)
    return f"{found.text}{found.training}"


# A table: what is said, and the lines and arguments in which each framework says it.

BOTH = Training(weights_rate=2.0, weights_decay=0.5)
SAID = {
    "chainer": (
        "optimizer = chainer.optimizers.SGD(lr).setup(layer)\n"
        "layer.W.update_rule.hyperparam.lr = 2.0 * lr\n"
        "layer.W.update_rule.add_hook(chainer.optimizer_hooks.WeightDecay(0.5 * l2))\n"
        "layer.b.update_rule.add_hook(chainer.optimizer_hooks.WeightDecay(l2))"
    ),
    "jax": (
        "import optax\n"
        "optimizer = optax.multi_transform({\n"
        '    "kernel": optax.chain(optax.add_decayed_weights(0.5 * l2), optax.sgd(2.0 * lr)),\n'
        '    "bias": optax.chain(optax.add_decayed_weights(l2), optax.sgd(lr)),\n'
        '}, {"kernel": "kernel", "bias": "bias"})'
    ),
    "keras": (
        "# Keras has no factors of the learning rate: an optimizer of your own multiplies it.\n"
        "factors = {layer.kernel.path: 2.0}\n"
        "class Optimizer(keras.optimizers.SGD):\n"
        "    def update_step(self, gradient, variable, learning_rate):\n"
        "        factor = factors.get(variable.path, 1.0)\n"
        "        super().update_step(gradient, variable, factor * learning_rate)"
    ),
    "matlab": "",
    "mxnet": (
        "layer.weight.lr_mult = 2.0\nlayer.weight.wd_mult = 0.5\n"
        "trainer = mx.gluon.Trainer([layer.weight, layer.bias], 'sgd', "
        "{'learning_rate': lr, 'wd': l2})"
    ),
    "paddle": "",
    "pytorch": (
        "optimizer = torch.optim.SGD([\n"
        '    {"params": [layer.weight], "lr": 2.0 * lr, "weight_decay": 0.5 * l2},\n'
        '    {"params": [layer.bias]},\n'
        "], lr=lr, weight_decay=l2)"
    ),
    "tensorflow": (
        "# Keras has no factors of the learning rate: an optimizer of your own multiplies it.\n"
        "factors = {layer.kernel.value.ref(): 2.0}\n"
        "class Optimizer(tf.keras.optimizers.SGD):\n"
        "    def update_step(self, gradient, variable, learning_rate):\n"
        "        factor = factors.get(variable.ref(), 1.0)\n"
        "        super().update_step(gradient, variable, factor * learning_rate)"
    ),
    "wolfram": "",
}
CONSTRUCTED = {
    "keras": (
        "kernel_regularizer=keras.regularizers.L2(0.25 * l2), "
        "bias_regularizer=keras.regularizers.L2(0.5 * l2))"
    ),
    "paddle": (
        "weight_attr=paddle.ParamAttr(learning_rate=2.0, "
        "regularizer=paddle.regularizer.L2Decay(0.5 * l2)), "
        "bias_attr=paddle.ParamAttr(regularizer=paddle.regularizer.L2Decay(l2)))"
    ),
    "matlab": "'WeightLearnRateFactor', 2.0, 'WeightL2Factor', 0.5, 'BiasL2Factor', 1.0);",
    "tensorflow": (
        "kernel_regularizer=tf.keras.regularizers.L2(0.25 * l2), "
        "bias_regularizer=tf.keras.regularizers.L2(0.5 * l2))"
    ),
    "wolfram": 'LearningRateMultipliers -> {"Weights" -> 2.0}',
}


@pytest.mark.parametrize("framework", SAID)
def test_rate_and_decay_in_each_framework_s_idiom(framework: str) -> None:
    found = layer(framework, PLAIN, BOTH)
    assert found.training == SAID[framework]
    assert CONSTRUCTED.get(framework, "") in found.call


@pytest.mark.parametrize("framework", LAYERS)
@pytest.mark.parametrize("operator", [PLAIN, LATE, UNBIASED], ids=["plain", "late", "unbiased"])
def test_the_layer_is_made_once(framework: str, operator: Operator) -> None:
    training = Training(GLOROT, ONES, 2.0, 0.5, 4.0, 0.0)
    made = re.findall(
        r"layer = .*(?:ConvTranspose|Conv2DTranspose|Deconvolution|transposedConv)",
        whole(framework, operator, training),
    )
    assert len(made) == 1


@pytest.mark.parametrize("framework", LAYERS)
@pytest.mark.parametrize("training", [Training(weights_rate=2.0), Training(GLOROT, ZEROS)])
def test_a_decay_that_nobody_spoke_of_is_not_added(framework: str, training: Training) -> None:
    found = layer(framework, PLAIN, training)
    assert not re.search(
        r"l2|decay|wd|regulari", f"{found.text}{found.training}{found.notes}", re.IGNORECASE
    )


@pytest.mark.parametrize("framework", LAYERS)
def test_silence_is_no_text(framework: str) -> None:
    found = layer(framework, PLAIN, SILENT)
    assert found.training == ""
    assert found.text == whole(framework, PLAIN, SILENT)
    assert not re.search(r"init\b|Initiali[sz]er|Factor|lr", found.text)


@pytest.mark.parametrize("framework", LAYERS)
def test_of_a_bias_that_is_not_there_nothing_is_said(framework: str) -> None:
    spoken = Training(bias=Initializer("constant", 0.25), bias_rate=2.0, bias_decay=4.0)
    found, silent = layer(framework, UNBIASED, spoken), layer(framework, UNBIASED, SILENT)
    assert (found.text, found.training) == (silent.text, "")


@pytest.mark.parametrize(
    ("training", "factors"),
    [
        (Training(weights_decay=0.5), {"WeightL2Factor": "0.5", "BiasL2Factor": "1.0"}),
        (
            Training(weights_decay=0.5, bias_decay=0.0),
            {"WeightL2Factor": "0.5", "BiasL2Factor": "0.0"},
        ),
        (Training(bias_decay=2.0), {"BiasL2Factor": "2.0"}),
        (Training(weights_rate=2.0), {}),
    ],
)
def test_what_is_not_said_of_the_bias_is_no_default_of_matlab(
    training: Training, factors: dict[str, str]
) -> None:
    """Its own default is 0; a weight decay elsewhere is one of the bias too."""
    found = layer("matlab", PLAIN, training)
    assert dict(re.findall(r"'(\w+L2Factor)', ([\d.]+)", found.call)) == factors


BRIEF = (
    'transposedConv2dLayer(4, 3, "NumChannels", 2, "WeightLearnRateFactor", 2, '
    '"WeightL2Factor", 0.5)'
)


def looked_up(framework: str) -> Program:
    (found,) = look_up(BRIEF, to=[framework], style="layer").translations
    assert isinstance(found.answer, Program)
    return found.answer


@pytest.mark.parametrize(
    ("framework", "of_bias"),
    [
        ("pytorch", '{"params": [layer.bias], "weight_decay": 0.0 * l2}'),
        ("mxnet", "layer.bias.wd_mult = 0.0"),
        ("chainer", "layer.b.update_rule.add_hook(chainer.optimizer_hooks.WeightDecay(0.0 * l2))"),
    ],
)
def test_what_matlab_leaves_to_its_default_travels(framework: str, of_bias: str) -> None:
    assert of_bias in looked_up(framework).training


def test_a_symbol_s_weight_decay_is_none_of_its_bias() -> None:
    """MXNet's optimizer gives it to the parameters whose names end in _weight and _gamma."""
    weight = "mx.sym.Variable('up_weight', wd_mult=2)"
    text = f"mx.sym.Deconvolution(x, {weight}, kernel=(3, 3), num_filter=4{{}})"
    for more, bias_decay in ((", no_bias=False", 0.0), ("", None)):
        found = look_up(text.format(more), input=(1, 2, 8, 8), to=["matlab"], style="layer")
        assert found.reading.training == Training(weights_decay=2.0, bias_decay=bias_decay)


def test_a_bias_that_does_not_decay_has_no_penalty_in_keras() -> None:
    answer = looked_up("tensorflow")
    assert "kernel_regularizer=tf.keras.regularizers.L2(0.25 * l2)" in answer.call
    assert "bias_regularizer" not in answer.text


@pytest.mark.parametrize(
    ("framework", "operator", "learns"),
    [
        ("matlab", LATE, True),
        ("wolfram", LATE, True),
        ("mxnet", Operator.of(2, 3, (2, 2, 2), dilation=2), True),
        ("matlab", PLAIN, False),
        ("wolfram", PLAIN, False),
        ("mxnet", PLAIN, False),
    ],
)
def test_zeros_in_a_kernel_that_would_learn_are_noted(
    framework: str, operator: Operator, learns: bool
) -> None:
    found = layer(framework, operator, Training(weights_rate=2.0))
    assert any("zeros written into the kernel learn" in note for note in found.notes) == learns
    assert layer(framework, operator, SILENT).notes == tuple(
        note for note in found.notes if "zeros written" not in note
    )


TOO_LARGE = {
    "pytorch": "up = nn.ConvTranspose2d(3, 4, 2)\nup.weight.data.normal_(0, 1e200)",
    "chainer": "L.Deconvolution2D(3, 4, 2, initialW=chainer.initializers.Normal(1e200))",
    "paddle": ("nn.Conv2DTranspose(3, 4, 2, weight_attr=paddle.nn.initializer.Normal(0.0, 1e200))"),
    "mxnet": "nn.Conv2DTranspose(4, 2, in_channels=3, weight_initializer=mx.init.Normal(1e200))",
    "jax": "linen.ConvTranspose(4, (2, 2), kernel_init=linen.initializers.normal(1e200))",
    "keras": "layers.Conv2DTranspose(4, 2, kernel_initializer=RandomNormal(0, 1e200))",
    "tensorflow": "layers.Conv2DTranspose(4, 2, kernel_initializer=RandomNormal(0, 1e200))",
    "matlab": "transposedConv2dLayer(2, 4, NumChannels=3, WeightsInitializer=@(s) 1e200*randn(s))",
    "wolfram": (
        'DeconvolutionLayer[4, {2, 2}, "Weights" -> '
        "RandomVariate[NormalDistribution[0, 1*^200], {3, 4, 2, 2}]]"
    ),
}


@pytest.mark.parametrize(("framework", "text"), TOO_LARGE.items(), ids=TOO_LARGE)
def test_a_deviation_that_no_number_is_the_square_of_is_not_read(framework: str, text: str) -> None:
    found = look_up(text, framework, input=(1, 3, 8, 8), style="layer")
    assert found.reading.training == SILENT


@pytest.mark.parametrize("kind", ["normal", "truncated_normal", "uniform"])
def test_a_deviation_of_nothing_draws_zeros(kind: Distribution) -> None:
    """Where the function that draws would refuse it."""
    training = Training(Initializer(kind, 0.0))
    assert layer("pytorch", PLAIN, training).training == "nn.init.zeros_(layer.weight)"
    assert "ConstantArray[0.0, {2, 3, 3, 2}]" in layer("wolfram", PLAIN, training).training


# What is printed.


def _texts(tree: ast.AST) -> Iterator[str]:
    """Every text of a module but its docstrings."""
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in documents:
            yield str(node.value)


def test_three_dots_are_printed_and_no_ellipsis() -> None:
    for path in Path(harness.__file__).parent.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if not any(
            spelling in source for spelling in ("\N{HORIZONTAL ELLIPSIS}", "2026", "ELLIPS")
        ):
            continue  # Parsing them all takes a second.
        texts = _texts(ast.parse(source))
        assert [text for text in texts if "\N{HORIZONTAL ELLIPSIS}" in text] == [], path
