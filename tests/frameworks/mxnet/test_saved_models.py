"""Symbols that MXNet itself saves are read as what their layers compute."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_files import assert_computes, looked_up, saved

pytestmark = pytest.mark.frameworks

MODELS = """
import mxnet as mx
from mxnet.gluon import nn

net = nn.HybridSequential()
up = nn.Conv2DTranspose(4, (4, 3), strides=(2, 1), padding=(1, 0), prefix="up_")
last = nn.Conv2DTranspose(
    6, (3, 5), strides=(2, 3), padding=(1, 2), output_padding=(1, 2), groups=2, in_channels=4,
    use_bias=False, prefix="last_",
)
net.add(nn.Conv2D(3, 1), nn.BatchNorm(), nn.Activation("relu"), up, nn.LeakyReLU(0.2), last)
net.initialize()
net.hybridize()
net(mx.nd.array(fill(1, 2, 5, 6)))
for name, layer, x in (("up_fwd", up, fill(1, 3, 5, 6)), ("last_fwd", last, fill(1, 4, 10, 8))):
    arrays = {"w": layer.weight, **({"b": layer.bias} if layer.bias is not None else {})}
    for parameter in arrays.values():
        parameter.set_data(mx.nd.array(fill(*parameter.shape)))
    y = layer(mx.nd.array(x)).asnumpy()
    keep(name, x=x, y=y, **{key: each.data().asnumpy() for key, each in arrays.items()})
net.export("gluon")

data = mx.sym.Variable("data", shape=(2, 6, 5, 7))
options = {"kernel": (4, 3), "stride": (3, 2), "target_shape": (13, 15), "num_filter": 4}
made = mx.sym.Deconvolution(data, num_group=2, no_bias=False, name="target", **options)
made.save("made-symbol.json")
x, w, b = fill(2, 6, 5, 7), fill(6, 2, 4, 3), fill(4)
# In float32 on a CPU target_shape is not what the documentation says.
arrays = [mx.nd.array(each, dtype="float64") for each in (x, w, b)]
y = mx.nd.Deconvolution(*arrays, num_group=2, no_bias=False, **options).asnumpy()
keep("target", x=x, w=w, b=b, y=y)
"""


def test_every_layer_of_a_symbol(tmp_path: Path) -> None:
    kept = saved("mxnet", MODELS, tmp_path)
    looks = looked_up(tmp_path / "gluon-symbol.json")
    assert [look.reading.name for look in looks] == ["up_fwd", "last_fwd"]
    looks += looked_up(tmp_path / "made-symbol.json")
    for look in looks:
        assert look.reading.framework == "mxnet"
        assert_computes(look, kept, look.reading.name)
