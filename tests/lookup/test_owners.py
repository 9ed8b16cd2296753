"""Whose a called name is: the framework's, the text's own, another library's, or not certain."""

from __future__ import annotations

import pytest

from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

SHAPE = (1, 8, 4, 4)

FOLLOWED = {
    "a subclass": (
        "class ConvTranspose2d(nn.ConvTranspose2d):\n"
        " def __init__(self, i, o, k):\n"
        "  super().__init__(i, o, k, stride=2, padding=k // 2, output_padding=1)\n"
        "up = ConvTranspose2d(6, 4, 3)",
        "ic6_oc4_k3x3_s2x2_c1.0x1.0_b",
    ),
    "the base by its name": (
        "class Up(nn.ConvTranspose2d):\n"
        " def __init__(self, i, o):\n"
        "  k = 4\n"
        "  nn.ConvTranspose2d.__init__(self, i, o, k, 2)\n"
        "up = Up(6, 4)",
        "ic6_oc4_k4x4_s2x2_b",
    ),
    "a subclass of a subclass": (
        "class A(nn.ConvTranspose2d):\n"
        " def __init__(self, i, o, **more):\n"
        "  super(A, self).__init__(i, o, 4, **more)\n"
        "class B(A):\n"
        " def __init__(self, i, o):\n"
        "  super().__init__(i, o, stride=2, padding=1)\n"
        "up = B(6, 4)",
        "ic6_oc4_k4x4_s2x2_c1.1x1.1_b",
    ),
    "a subclass that adds nothing": (
        "class Up(nn.ConvTranspose2d):\n  pass\nup = Up(6, 4, 3, bias=False)",
        "ic6_oc4_k3x3",
    ),
    "a value of its caller's, not of the class's": (
        "k = 5\n"
        "class Up(nn.ConvTranspose2d):\n"
        " def __init__(self, i, o):\n"
        "  super().__init__(i, o, k)\n"
        "def net(k=3):\n"
        "  return Up(6, 4)",
        "ic6_oc4_k5x5_b",
    ),
    "Keras": (
        "class Conv2DTranspose(layers.Conv2DTranspose):\n"
        " def __init__(self, f, k):\n"
        "  super().__init__(f, k, 2, padding='same', use_bias=False)\n"
        "x = Conv2DTranspose(32, 3)(x)",
        "ic8_oc32_k3x3_s2x2_c0.1x0.1",
    ),
    "functools.partial": (
        "ConvTranspose2d = functools.partial(nn.ConvTranspose2d, padding=1)\n"
        "up = ConvTranspose2d(6, 4, 4, 2)",
        "ic6_oc4_k4x4_s2x2_c1.1x1.1_b",
    ),
    "a partial of a partial": (
        "A = partial(nn.ConvTranspose2d, 6, stride=3)\nB = partial(A, 4)\nB(3, stride=2)",
        "ic6_oc4_k3x3_s2x2_b",
    ),
    "partial of Keras": (
        "Up = partial(Conv2DTranspose, strides=2, padding='same')\ny = Up(32, 3)(x)",
        "ic8_oc32_k3x3_s2x2_c0.1x0.1_b",
    ),
    "an import under another name": (
        "from torch.nn import ConvTranspose2d as CT\nCT(6, 4, 3)",
        "ic6_oc4_k3x3_b",
    ),
    "an alias": ("Up = nn.ConvTranspose2d\nUp(6, 4, 3, 2)", "ic6_oc4_k3x3_s2x2_b"),
    "an alias of a module": (
        "import torch\nlayers = torch.nn\nlayers.ConvTranspose2d(6, 4, 3)",
        "ic6_oc4_k3x3_b",
    ),
    "an attribute that is called like a function": (
        "class M(nn.Module):\n"
        " def __init__(self):\n"
        "  self.conv_transpose2d = nn.ConvTranspose2d(8, 4, 3, stride=2)\n"
        " def forward(self, x):\n"
        "  return self.conv_transpose2d(x)",
        "ic8_oc4_k3x3_s2x2_b",
    ),
    "a variable that is called like a function": (
        "conv_transpose2d = nn.ConvTranspose2d(8, 4, 3)\ny = conv_transpose2d(x)",
        "ic8_oc4_k3x3_b",
    ),
    "another, below": (
        "class M(nn.Module):\n"
        " def forward(self, x):\n"
        "  return self.deconvolution(x)\n"
        " def __init__(self):\n"
        "  self.deconvolution = nn.ConvTranspose2d(8, 4, 3)",
        "ic8_oc4_k3x3_b",
    ),
    "MATLAB": ("up = @transposedConv2dLayer; l = up(3, 4, 'NumChannels', 8);", "ic8_oc4_k3x3_b"),
    "Wolfram": ('d = DeconvolutionLayer; d[4, {3, 3}, "Input" -> {8, 4, 4}]', "ic8_oc4_k3x3_b"),
    "defined after it is called": (
        "up = nn.ConvTranspose2d(6, 4, 3)\nnn.ConvTranspose2d = Mine",
        "ic6_oc4_k3x3_b",
    ),
    "a method of that name, which a call does not mean": (
        "class M:\n def ConvTranspose2d(self):\n  return ConvTranspose2d(6, 4, 3)",
        "ic6_oc4_k3x3_b",
    ),
    "imported twice": (
        "import torch.nn as nn\nimport torch.nn as nn\n"
        "def f():\n  return nn.ConvTranspose2d(6, 4, 3)",
        "ic6_oc4_k3x3_b",
    ),
    "imported at the end": (
        "def f():\n  return nn.ConvTranspose2d(6, 4, 3)\nimport torch.nn as nn",
        "ic6_oc4_k3x3_b",
    ),
    "imported or not": (
        "try:\n  import torch.nn as nn\nexcept ImportError:\n  pass\nnn.ConvTranspose2d(6, 4, 3)",
        "ic6_oc4_k3x3_b",
    ),
    "imported, or nothing, in a function": (
        "try:\n  import torch.nn as nn\nexcept ImportError:\n  nn = None\n"
        "def f():\n  return nn.ConvTranspose2d(6, 4, 3)",
        "ic6_oc4_k3x3_b",
    ),
    "nothing at first": (
        "nn = None\nif has_torch:\n  from torch import nn\n"
        "def f():\n  return nn.ConvTranspose2d(6, 4, 3)",
        "ic6_oc4_k3x3_b",
    ),
    "a star of the framework": (
        "from torch.nn import *\nConvTranspose2d(6, 4, 3)",
        "ic6_oc4_k3x3_b",
    ),
    "another's star before": (
        "from utils import *\nimport torch.nn as nn\nnn.ConvTranspose2d(6, 4, 3)",
        "ic6_oc4_k3x3_b",
    ),
    "the framework as an argument": (
        "def hybrid_forward(self, F, x, w):\n"
        "  return F.Deconvolution(x, w, kernel=(3, 3), num_filter=4)",
        "ic8_oc4_k3x3",
    ),
}


@pytest.mark.parametrize(("text", "descriptor"), FOLLOWED.values(), ids=FOLLOWED)
def test_what_a_text_defines_is_followed(text: str, descriptor: str) -> None:
    found = read(text, input=SHAPE if "ic8" in descriptor else None)
    assert found.operator.descriptor == descriptor
    assert not [note for note in found.notes if not note.startswith("Weights {")]


OWN = {
    "a function": (
        "def ConvTranspose2d(i, o, k=5, s=1):\n return make(i, o, k, s, padding=(k - 1) // 2)\n"
        "up = ConvTranspose2d(192, 128, 5, 2)",
        1,
    ),
    "a class of its own": ("class ConvTranspose2d:\n  pass\nConvTranspose2d(6, 4, 3)", 1),
    "a class with its own forward": (
        "import x\nclass ConvTranspose2d(nn.ConvTranspose2d):\n  def forward(self, x):\n"
        "    return x\nConvTranspose2d(6, 4, 3)",
        2,
    ),
    "a class that changes what its base has made": (
        "class Up(nn.ConvTranspose2d):\n def __init__(self, i, o):\n  super().__init__(i, o, 3)\n"
        "  self.stride = (2, 2)\nup = Up(6, 4)",
        1,
    ),
    "a class that calls its base in a branch": (
        "class Up(nn.ConvTranspose2d):\n def __init__(self, i, o, s):\n"
        "  if s:\n   super().__init__(i, o, 3, s)\n  else:\n   super().__init__(i, o, 3)\n"
        "up = Up(6, 4, 2)",
        1,
    ),
    "a class that lets others change it": (
        "class Up(nn.ConvTranspose2d):\n def __init__(self, i, o):\n  super().__init__(i, o, 3)\n"
        "  mine(self)\nup = Up(6, 4)",
        1,
    ),
    "a class that passes over its base": (
        "class A(nn.ConvTranspose2d):\n def __init__(self, i, o):\n  super().__init__(i, o, 3, 2)\n"
        "class B(A):\n def __init__(self, i, o):\n  super(A, self).__init__(i, o, 3)\nup = B(6, 4)",
        4,
    ),
    "a decorated class": ("@mine\nclass Up(nn.ConvTranspose2d):\n  pass\nUp(6, 4, 3)", 2),
    "two bases": (
        "class ConvTranspose2d(nn.ConvTranspose2d, Mixin):\n  pass\nConvTranspose2d(6, 4, 3)",
        1,
    ),
    "a function below": (
        "def net():\n  return ConvTranspose2d(6, 4, 3)\ndef ConvTranspose2d(*given):\n  pass",
        3,
    ),
    "MATLAB": (
        "function Y = dltranspconv(X, W, s)\nY = X;\nend\ny = dltranspconv(x, rand(3,3,4,8), 2);",
        1,
    ),
    "MATLAB, below": (
        "y = dltranspconv(x, rand(3,3,4,8), 2);\nfunction Y = dltranspconv(X, W, s)\nY = X;\nend",
        2,
    ),
}


@pytest.mark.parametrize(("text", "line"), OWN.values(), ids=OWN)
def test_what_cannot_be_followed_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(SnippetError, match=f"is the text's own, defined in line {line}[,:]"):
        read(text)


OTHER = {
    "a value": "ConvTranspose2d = Mine()\nConvTranspose2d(6, 4, 3)",
    "another's name": "from mine import Up as ConvTranspose2d\nConvTranspose2d(6, 4, 3)",
    "a patch": "nn.ConvTranspose2d = Mine\nnn.ConvTranspose2d(6, 4, 3)",
    "a patch by setattr": "setattr(nn, 'ConvTranspose2d', Mine)\nnn.ConvTranspose2d(6, 4, 3)",
    "a patch below": "def f():\n  return nn.ConvTranspose2d(6, 4, 3)\nnn.ConvTranspose2d = Mine",
    "a loop": "for ConvTranspose2d in kinds:\n  ConvTranspose2d(6, 4, 3)",
    "a comprehension": "[ConvTranspose2d(6, 4, 3) for ConvTranspose2d in kinds]",
    "a lambda": "make = lambda nn: nn.ConvTranspose2d(6, 4, 3)",
    "with": "with layers() as nn:\n  nn.ConvTranspose2d(6, 4, 3)",
    "an assignment inside": "print(nn := other())\nnn.ConvTranspose2d(6, 4, 3)",
    "except": "try:\n  f()\nexcept E as nn:\n  nn.ConvTranspose2d(6, 4, 3)",
    "one or the other": (
        "if a:\n  ConvTranspose2d = Mine\nelse:\n  ConvTranspose2d = Other\n"
        "ConvTranspose2d(6, 4, 3)"
    ),
    "another's partial": (
        "from mine import partial\nConvTranspose2d = partial(nn.ConvTranspose2d, stride=2)\n"
        "ConvTranspose2d(6, 4, 3)"
    ),
    "a local name": "def f():\n  y = ConvTranspose2d(6, 4, 3)\n  ConvTranspose2d = Mine",
    "global": (
        "def patch():\n  global ConvTranspose2d\n  ConvTranspose2d = Mine\npatch()\n"
        "ConvTranspose2d(6, 4, 3)"
    ),
    "the body of a class": "class M:\n  ConvTranspose2d = Mine()\n  up = ConvTranspose2d(6, 4, 3)",
    "a method": "class M:\n def f(self, x):\n  return self.conv_transpose2d(x, w)",
    "a method of a result": "y = backend().conv_transpose2d(x, w)",
    "match": "match kind:\n  case nn:\n    nn.ConvTranspose2d(6, 4, 3)",
    "MATLAB": "dltranspconv = 3; y = dltranspconv(x, rand(3,3,4,8), 2);",
    "one of several of MATLAB's": (
        "[dltranspconv, n] = f();\ny = dltranspconv(x, rand(3,3,4,8), 2);"
    ),
    "MATLAB's parameter": "function f(dltranspconv)\ny = dltranspconv(x, rand(3,3,4,8), 2);\nend",
    "MATLAB's class": (
        "classdef dltranspconv\nmethods\nfunction o = f(o)\n"
        "y = dltranspconv(x, rand(3,3,4,8), 2);\nend\nend\nend"
    ),
    "Wolfram": "DeconvolutionLayer[a___] := f[a]\nDeconvolutionLayer[4, {3, 3}]",
    "a local name of Wolfram": "Block[{DeconvolutionLayer = f}, DeconvolutionLayer[4, {3, 3}]]",
}


@pytest.mark.parametrize("text", OTHER.values(), ids=OTHER)
def test_a_name_with_another_meaning_is_not_the_frameworks(text: str) -> None:
    with pytest.raises(SnippetError, match=r"is not the framework's|is the text's own"):
        read(text, input=SHAPE, weight=(8, 4, 3, 3))


UP = "transposedConv2dLayer(4, 8, 'Stride', 2, 'NumChannels', 3)"
DECONVOLUTION = 'DeconvolutionLayer[6, {3, 3}, "Stride" -> 2, "Input" -> {4, 8, 8}]'
OTHER_LANGUAGES = [
    (f"k = 1;\ntransposedConv2dLayer = 5;\nup = {UP};", 2),
    (f"k = 1;\ntransposedConv2dLayer = @(k, n, varargin) mine(k, n);\nup = {UP};", 2),
    (f"import mine.transposedConv2dLayer\nup = {UP};", 1),
    (f"k = 1;\nup = mine.{UP};", 2),
    (f"k = 1;\nnet.{UP};", 2),
    (f"for transposedConv2dLayer = layers\nup = {UP};\nend", 1),
    (f"k = 1;\nfunction up = g(transposedConv2dLayer, x)\nup = {UP};\nend", 2),
    (f"k = 1;\nfunction transposedConv2dLayer = g(x)\nup = {UP};\nend", 2),
    (f"k = 1;\ng = @(transposedConv2dLayer) {UP};", 2),
    (f"k = 1;\nglobal transposedConv2dLayer\nup = {UP};", 2),
    (f"k = 1;\ntransposedConv2dLayer.f = 3;\nup = {UP};", 2),
    (f"try\nk = 1;\ncatch transposedConv2dLayer\nup = {UP};\nend", 3),
    (f"[k, transposedConv2dLayer] = deal(1, @plus);\nup = {UP};", 1),
    (f"up = {UP};\nclassdef A\nmethods\nfunction l = transposedConv2dLayer(k)\nend\nend\nend", 4),
    (f"x = 3;\nDeconvolutionLayer[n_, k_, o___] := f[n, k, o];\n{DECONVOLUTION}", 2),
    (f"{DECONVOLUTION};\nDeconvolutionLayer[n_, k_, o___] := f[n, k, o]", 2),
    (f"x = 3;\nDeconvolutionLayer = MyLayer;\n{DECONVOLUTION}", 2),
    (f"x = 3;\nBlock[{{DeconvolutionLayer = f}},\n {DECONVOLUTION}]", 2),
    (f"x = 3;\nSet[DeconvolutionLayer, f];\n{DECONVOLUTION}", 2),
    (f"x = 3;\nDeconvolutionLayer /: g[DeconvolutionLayer[x__]] := 3;\n{DECONVOLUTION}", 2),
    (f"x = 3;\nIf[x > 2, DeconvolutionLayer[x_] := 3];\n{DECONVOLUTION}", 2),
]


@pytest.mark.parametrize(("text", "line"), OTHER_LANGUAGES)
def test_other_languages_name_the_line_too(text: str, line: int) -> None:
    with pytest.raises(SnippetError, match=f"(meaning|defined) in line {line}[,:.]"):
        read(text)


DOUBTFUL = {
    "a package of MATLAB's": (
        "import mine.*\nup = transposedConv2dLayer(3, 4, 'NumChannels', 6);",
        "may be something else",
    ),
    "one branch": (
        "if old:\n  from mine import ConvTranspose2d\n"
        "else:\n  from torch.nn import ConvTranspose2d\nConvTranspose2d(6, 4, 3)",
        "may be imported from mine",
    ),
    "try": (
        "try:\n  from mine import ConvTranspose2d\nexcept ImportError:\n"
        "  from torch.nn import ConvTranspose2d\nConvTranspose2d(6, 4, 3)",
        "may be imported from mine",
    ),
    "inside a function": (
        "try:\n  import mine as nn\nexcept ImportError:\n  import torch.nn as nn\n"
        "def f():\n  return nn.ConvTranspose2d(6, 4, 3)",
        "may be imported from mine",
    ),
    "a definition in a branch": (
        "if old:\n  def ConvTranspose2d(*a):\n    pass\nConvTranspose2d(6, 4, 3)",
        "may be something else",
    ),
    "a value in a branch": (
        "import torch.nn as nn\nif old:\n  nn = other()\nnn.ConvTranspose2d(6, 4, 3)",
        "may be something else",
    ),
    "another's star": (
        "import torch.nn as nn\nfrom utils import *\nnn.ConvTranspose2d(6, 4, 3)",
        "may be imported from utils",
    ),
    "another's star alone": (
        "from utils import *\nConvTranspose2d(6, 4, 3)",
        "may be imported from utils",
    ),
    "a text that is executed": (
        "exec(open('names.py').read())\nConvTranspose2d(6, 4, 3)",
        "may be something else",
    ),
    "an unknown module": (
        "from mine import nn\nnn.ConvTranspose2d(6, 4, 3)",
        "nn is imported from mine.nn, which is not known here",
    ),
    "an alias of something unknown": (
        "from torch import nn\ndef f():\n  nn = other\n  return nn.ConvTranspose2d(6, 4, 3)",
        "nn.ConvTranspose2d is other.ConvTranspose2d, which is not known here",
    ),
    "an alias in the body of a class": (
        "from torch import nn\nclass A:\n  nn = other\n  up = nn.ConvTranspose2d(6, 4, 3)",
        "nn.ConvTranspose2d is other.ConvTranspose2d, which is not known here",
    ),
    "an alias in a branch": (
        "if a:\n  ConvTranspose2d = Mine\nConvTranspose2d(6, 4, 3)",
        "may be something else",
    ),
    "an alias in a handler": (
        "try:\n  pass\nexcept E:\n  ConvTranspose2d = Mine\nConvTranspose2d(6, 4, 3)",
        "may be something else",
    ),
    "a function that may change it": (
        "def g():\n  global nn\n  nn = other\nimport torch.nn as nn\ng()\n"
        "nn.ConvTranspose2d(6, 4, 3)",
        "may be something else",
    ),
    "an alias that is known in one branch": (
        "from torch import nn\nif a:\n  lib = nn\nlib.ConvTranspose2d(6, 4, 3)",
        "lib.ConvTranspose2d is taken for",
    ),
    "an alias of an unknown module": (
        "Up = lib.ConvTranspose2d\nUp(6, 4, 3)",
        "Up is lib.ConvTranspose2d, which is not known here",
    ),
    "another module of the framework": (
        "import torch.nn.quantized as nn\nnn.ConvTranspose2d(6, 4, 3)",
        "torch.nn.quantized.ConvTranspose2d is taken for",
    ),
    "a parameter": (
        "def f(ConvTranspose2d):\n  return ConvTranspose2d(6, 4, 3)",
        "may be something else",
    ),
}


@pytest.mark.parametrize(("text", "note"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_a_name_that_may_be_anothers_is_noted(text: str, note: str) -> None:
    found = read(text)
    assert found.operator.descriptor == "ic6_oc4_k3x3_b"
    assert any(note in each and f"taken for {found.form}" in each for each in found.notes)


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        (".layers", "4, 3, output_shape=x"),
        ("mine.layers", "4, 3, output_shape=x"),
        ("mine", ", ".join("123456789" * 3)),
    ],
)
def test_another_class_with_other_arguments_is_said_to_be_imported(
    module: str, arguments: str
) -> None:
    text = f"from {module} import Conv2DTranspose\nConv2DTranspose({arguments})"
    with pytest.raises(SnippetError, match="Conv2DTranspose is imported from") as error:
        read(text, "tensorflow")
    assert f"from {module}, which is not known here" in str(error.value)
    assert "has no parameter" not in str(error.value)


def test_arguments_of_the_framework_s_own_class_are_named() -> None:
    text = "from keras.layers import Conv2DTranspose\nConv2DTranspose(4, 3, output_shape=x)"
    with pytest.raises(SnippetError, match="has no parameter 'output_shape'"):
        read(text, "tensorflow")


PATCHED = {
    "import torch\nfrom torch import nn\ntorch.nn.ConvTranspose2d = Mine": (
        "torch.nn.ConvTranspose2d"
    ),
    "import torch.nn as nn\nm = nn\nm.ConvTranspose2d = Mine": "torch.nn.ConvTranspose2d",
    "import torch.nn as nn\nnn.ConvTranspose2d.forward = f": "torch.nn.ConvTranspose2d.forward",
    "import sys, torch.nn as nn\nsys.modules['torch.nn'] = mine": "torch.nn",
    "import torch\nfrom torch import nn\nsetattr(torch.nn, 'ConvTranspose2d', Mine)": (
        "torch.nn.ConvTranspose2d"
    ),
    "import torch.nn as nn\nmonkeypatch.setattr('torch.nn.ConvTranspose2d', Mine)": (
        "torch.nn.ConvTranspose2d"
    ),
    "from torch import nn\ndef patch():\n  mock.patch.object(nn, 'ConvTranspose2d', Mine)": (
        "torch.nn.ConvTranspose2d"
    ),
}


@pytest.mark.parametrize(("text", "name"), PATCHED.items(), ids=PATCHED)
def test_what_a_text_changes_in_a_module_is_noted(text: str, name: str) -> None:
    found = read(f"{text}\nup = nn.ConvTranspose2d(6, 4, 3)")
    assert found.operator.descriptor == "ic6_oc4_k3x3_b"
    line = f"changes {name}: the answer is about nn.ConvTranspose2d as it is without that."
    assert any(note.startswith("Line ") and note.endswith(line) for note in found.notes)


def test_what_a_text_changes_in_its_own_class_is_noted() -> None:
    text = "class Up(nn.ConvTranspose2d):\n  pass\nUp.forward = mine\nup = Up(6, 4, 3)"
    (note,) = read(text).notes
    assert note.startswith("Line 3 changes Up.forward: ")


FOREIGN = {
    "import tensorflow as tf\ntf.keras.ops.conv_transpose(x, w, 2)": "Keras 3's ops",
    "import oneflow.nn as nn\nnn.ConvTranspose2d(6, 4, 3)": "OneFlow",
    "import megengine.module as M\nM.ConvTranspose2d(6, 4, 3)": "MegEngine",
    "from jittor import nn\nnn.ConvTranspose2d(6, 4, 3)": "Jittor",
    "import nnabla.functions as F\nF.deconvolution(x, w)": "NNabla",
    "import sonnet as snt\nsnt.Conv2DTranspose(4, kernel_shape=3)": "Sonnet",
    "snt.Conv2DTranspose(output_channels=4)": "Sonnet",
    "import tensorlayer as tl\ntl.layers.conv2d_transpose(x, 4)": "TensorLayer",
    "import mindspore.nn as nn\nnn.Conv2dTranspose(3, 4, 5)": "MindSpore",
    "nn.Conv2dTranspose(3, 4, 5)": "MindSpore",
    "ttnn.conv_transpose2d(input_tensor=x)": "TT-NN",
}


@pytest.mark.parametrize(("text", "title"), FOREIGN.items(), ids=FOREIGN)
def test_another_library_is_refused_by_its_name(text: str, title: str) -> None:
    with pytest.raises(SnippetError, match=f"is a call of {title}, which is not read here"):
        read(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(6, 4, 3))", "LibTorch"),
        ("TransposedConvolution2DLayer with properties:\n  Name: ''", "what MATLAB shows"),
    ],
)
def test_a_text_of_another_kind_is_refused_by_its_name(text: str, kind: str) -> None:
    with pytest.raises(SnippetError, match=f"this is .*{kind}.*, which is not read here"):
        read(text)


def test_a_name_of_two_frameworks_with_other_arguments_is_a_question_with_both_readings() -> None:
    text = "nn.Conv2DTranspose(64, 32, 3, 2, 1)"
    with pytest.raises(SnippetError) as asked:
        read(text, input=(1, 64, 40, 40))
    assert (
        "nn.Conv2DTranspose is a name in 2 frameworks: add framework mxnet or framework paddle, or "
        "paste the line that imports it. Its arguments are in MXNet channels=64, kernel_size=32, "
        "strides=3, padding=2, output_padding=1, and in PaddlePaddle in_channels=64, "
        "out_channels=32, kernel_size=3, stride=2, padding=1."
    ) in str(asked.value)
    # The channels of the input are 64 in PaddlePaddle.
    assert read(text, input=(1, 8, 40, 40)).framework == "mxnet"
    chosen = read(text, "mxnet", input=(1, 8, 40, 40)).operator.descriptor
    imported = read(f"from mxnet.gluon import nn\n{text}", input=(1, 8, 40, 40))
    assert imported.operator.descriptor == chosen == "ic8_oc64_k32x32_s3x3_c2.1x2.1_b"
    assert read("nn.Conv2DTranspose(64, 3)", input=SHAPE).framework == "mxnet"
    assert read("nn.Conv2DTranspose(64, 3, strides=2)", input=SHAPE).framework == "mxnet"
