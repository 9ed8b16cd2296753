"""ncnn 1.0: the layers Deconvolution{,DepthWise}{1D,,3D}, given what PyTorch's functions are."""

import tempfile
from pathlib import Path

import ncnn
import numpy as np

__version__ = ncnn.__version__  # What reports say

# https://github.com/Tencent/ncnn/wiki/operators: the keys, from the last axis to the first.
KERNEL, DILATION, STRIDE, PAD = (1, 11, 21), (2, 12, 22), (3, 13, 23), (4, 14, 24)
END_PAD, OUTPUT_PAD = (15, 16, 17), (18, 19, 20)


def conv_transpose(x, w, b, stride, padding, output_padding, groups, dilation):
    kernel = w.shape[2:]
    keys = {0: w.shape[1] * groups, 5: int(b is not None), 6: w.size, 7: groups}
    for names, values in (
        *((KERNEL, kernel), (DILATION, dilation), (STRIDE, stride)),
        *((PAD, padding), (END_PAD, padding), (OUTPUT_PAD, output_padding)),
    ):
        keys.update(zip(names, reversed(values)))
    name = "Deconvolution" + "DepthWise" * (groups > 1) + {1: "1D", 2: "", 3: "3D"}[len(kernel)]
    words = " ".join(f"{key}={value}" for key, value in keys.items())
    net = loaded(f"7767517\n2 2\nInput in 0 1 in\n{name} layer 1 1 in out {words}\n", w, b, groups)
    return np.stack([computed(net, each) for each in x])


def loaded(layers, w, b, groups):
    """Write the weights by group as (out, in, kernel), after a tag that says float32."""
    weights = w.reshape(groups, -1, *w.shape[1:]).swapaxes(1, 2).tobytes()
    net = ncnn.Net()
    with tempfile.TemporaryDirectory() as folder:
        text, data = Path(folder, "net.param"), Path(folder, "net.bin")
        text.write_text(layers)
        data.write_bytes(bytes(4) + weights + (b"" if b is None else b.tobytes()))
        assert net.load_param(str(text)) == net.load_model(str(data)) == 0
    return net


def computed(net, x):
    """Run the net on one image: a Mat has no batch axis."""
    extractor = net.create_extractor()
    extractor.input("in", ncnn.Mat(x))
    status, y = extractor.extract("out")
    assert status == 0, f"extract returns {status}"
    return np.array(y)
