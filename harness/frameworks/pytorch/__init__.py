"""PyTorch: every fact about it."""

from __future__ import annotations

from typing import Final

from harness.convention.device import ANOTHER_INTERPRETER, Cuda, Probe
from harness.convention.registry import Convention, Example, late

_CHECK: Final = f"""\
import torch
if torch.version.cuda is None:
    raise RuntimeError(
        "torch " + torch.__version__ + " is built without CUDA; {ANOTHER_INTERPRETER}"
    )
(torch.zeros(1).cuda() + 1).cpu()
name = torch.cuda.get_device_name()"""
_ALLOW_TF32: Final = """\
torch.backends.cuda.matmul.allow_tf32 = True
torch.backends.cudnn.allow_tf32 = True"""

_PROBE: Final = Probe(
    """\
import torch
a, b = (torch.ones({side}, {side}, dtype=torch.{dtype}, device="cuda") for _ in range(2))
c = torch.empty_like(a)""",
    "torch.matmul(a, b, out=c)\ntorch.cuda.synchronize()",
    """\
import torch
source, target = (torch.ones({nbytes}, dtype=torch.uint8, device="cuda") for _ in range(2))""",
    "target.copy_(source)\ntorch.cuda.synchronize()",
    ("float16", "float32", "float64"),
    side=8192,
    nbytes=1 << 30,
)

_GENERATOR: Final = """\
class Generator(nn.Module):
    def __init__(self, nz=100, ngf=64):
        super().__init__()
        self.project = nn.ConvTranspose2d(nz, ngf * 8, 4, bias=False)
        self.up1 = nn.ConvTranspose2d(ngf * 8, ngf * 4, 4, 2, 1, bias=False)
        self.up2 = nn.ConvTranspose2d(ngf * 4, ngf * 2, 4, 2, 1, bias=False)
        self.image = nn.ConvTranspose2d(ngf * 2, 3, 4, 2, 1, bias=False)
"""
_README: Final = """\
# A decoder

```python
up = nn.ConvTranspose2d(64, 32, 2, stride=2)
```

Checkerboards are weaker where the stride divides the kernel:

```python
up = nn.ConvTranspose2d(64, 32, 6, stride=3)
```
"""

CONVENTION: Final = Convention(
    name="pytorch",
    title="PyTorch",
    distribution="torch",
    module="torch",
    weights="IOHW",
    render=late(__name__, "render"),
    no_bfloat16="",
    modules=("torch",),
    is_baseline=True,
    probes={"cuda": _PROBE},
    layer=late(__name__, "layer"),
    spoken=late(__name__, "spoken"),
    model_suffixes=(".pt", ".pth", ".pt2", ".ptl", ".ckpt", ".bin", ".safetensors"),
    calls=r"(Lazy|WN)?ConvTranspose[123]d|conv_transpose[123]d",
    examples=(
        Example("All layers of a class", _GENERATOR, style="layer"),
        Example(
            "Names stay names, and may be given numbers",
            "nn.ConvTranspose1d(c, c // 2, k, stride=u, padding=(k - u) // 2)",
            style="layer",
        ),
        Example("The code in a page of Markdown", _README, "README.md", style="layer"),
    ),
    remarks=(
        (
            "fan_in counts the output channels of a transposed convolution, and fan_out the input "
            "channels; weights are kaiming_uniform_(a=sqrt(5)) by default."
        ),
        (
            "Lines after a layer that initialise, freeze or regroup its parameters (nn.init, "
            "requires_grad, an optimizer's groups) are not carried over; a note names them."
        ),
    ),
    cuda=Cuda(_CHECK, _ALLOW_TF32, wait="torch.cuda.synchronize()"),
)
