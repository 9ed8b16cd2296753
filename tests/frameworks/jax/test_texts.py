"""Whole texts in the manner of public code over JAX: every call in them, with its input."""

from __future__ import annotations

import pytest

from harness.core.named_number import in_names
from harness.lookup.answer import LookUp, in_words
from harness.lookup.every import look_up_every

UNET = """
from flax import linen as nn
import jax.numpy as jnp

class Up(nn.Module):
    features: int

    @nn.compact
    def __call__(self, x, skip):
        x = nn.ConvTranspose(self.features, (2, 2), strides=(2, 2), padding="VALID")(x)
        x = jnp.concatenate([x, skip], axis=-1)
        return nn.relu(nn.Conv(self.features, (3, 3))(x))

class UNet(nn.Module):
    @nn.compact
    def __call__(self, x, skips):
        x = jnp.reshape(x, (-1, 16, 16, 256))
        x = Up(128)(x, skips[0])
        return Up(64)(x, skips[1])
"""
VAE = """
import flax.linen as nn

class Decoder(nn.Module):
    @nn.compact
    def __call__(self, z):
        x = nn.Dense(7 * 7 * 64)(z)
        x = x.reshape(-1, 7, 7, 64)
        x = nn.relu(nn.ConvTranspose(features=32, kernel_size=(3, 3), strides=(2, 2))(x))
        x = nn.BatchNorm(use_running_average=True)(x)
        x = nn.ConvTranspose(1, (4, 4), (2, 2), use_bias=False, transpose_kernel=True)(x)
        return nn.sigmoid(x)
"""
SETUP = """
from flax import linen as nn

class Decoder(nn.Module):
    def setup(self):
        self.up1 = nn.ConvTranspose(features=64, kernel_size=(5, 5), strides=(3, 2))
        self.up2 = nn.ConvTranspose(features=3, kernel_size=(5, 5), padding=((4, 4), (3, 4)))

    def __call__(self, x):
        x = nn.leaky_relu(self.up1(x), negative_slope=0.2)
        return self.up2(x)
"""
WAVE = """
from flax import linen as nn

class Generator(nn.Module):
    rates = (8, 4)

    @nn.compact
    def __call__(self, x):
        for rate in (8, 4):
            x = nn.ConvTranspose(128, (2 * rate,), (rate,), padding="SAME")(x)
            x = nn.leaky_relu(x)
        return nn.tanh(x)
"""
VOLUMES = """
from flax import linen as nn
import jax, jax.numpy as jnp

x = jnp.ones((1, 8, 8, 8, 32))
layer = nn.ConvTranspose(features=16, kernel_size=(3, 3, 3), strides=(1, 2, 2))
y, variables = layer.init_with_output(jax.random.PRNGKey(0), x)
"""
NNX = """
from flax import nnx

class Decoder(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.up1 = nnx.ConvTranspose(
            in_features=64, out_features=32, kernel_size=(3, 3), strides=(2, 2), rngs=rngs
        )
        self.up2 = nnx.ConvTranspose(32, 3, (4, 4), 2, padding=2, use_bias=False, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.up1(x))
        return self.up2(x)
"""
NNX_UPDATED = """
from flax import nnx

class Net(nnx.Module):
    def __init__(self, rngs):
        self.up = nnx.ConvTranspose(8, 4, kernel_size=(3,), strides=(2,), rngs=rngs)

model = Net(nnx.Rngs(0))
nnx.update(model, state)
"""
FIELDS = """
from flax import linen as nn

class Base(nn.Module):
    depth: int = 48

class Decoder(Base):
    stride: int = 2
    channels: int = 1

    @nn.compact
    def __call__(self, x):
        x = nn.ConvTranspose(4 * self.depth, (5, 5), strides=(self.stride, self.stride))(x)
        return nn.ConvTranspose(self.channels, (4, 4), (self.stride, self.stride))(nn.elu(x))

decoder = Decoder(24, channels=3, name="decoder")
"""
DCGAN = """
import haiku as hk
import jax
import jax.numpy as jnp

def generator(z):
    x = hk.Linear(4 * 4 * 512)(z)
    x = jnp.reshape(x, (-1, 4, 4, 512))
    x = jax.nn.relu(x)
    x = hk.Conv2DTranspose(256, kernel_shape=5, stride=2, padding="SAME", with_bias=False)(x)
    x = hk.BatchNorm(True, True, 0.9)(x, is_training=True)
    x = jax.nn.relu(x)
    x = hk.Conv2DTranspose(3, 5, 2)(x)
    return jnp.tanh(x)
"""
DREAMER = """
import haiku as hk
import jax

decoder = hk.Sequential([
    hk.Reshape((1, 1, 1024)),
    hk.Conv2DTranspose(128, kernel_shape=5, stride=2, padding="VALID"),
    jax.nn.elu,
    hk.Conv2DTranspose(64, kernel_shape=6, stride=2, padding="VALID"),
])
"""
PAIRS = """
import haiku as hk

class Expand(hk.Module):
    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def __call__(self, x):
        return hk.Conv2DTranspose(
            output_channels=self.channels, kernel_shape=4, stride=2, padding=((2, 2), (2, 2))
        )(x)

up = Expand(32)
"""
EQUINOX = """
import equinox as eqx
import jax

class Decoder(eqx.Module):
    layers: list

    def __init__(self, key):
        k1, k2 = jax.random.split(key)
        self.layers = [
            eqx.nn.ConvTranspose2d(128, 64, kernel_size=4, stride=2, padding=1, key=k1),
            jax.nn.relu,
            eqx.nn.ConvTranspose2d(64, 64, 3, 2, 1, 1, groups=64, use_bias=False, key=k2),
        ]
"""
SPEECH = """
import equinox.nn as nn
import jax.numpy as jnp

up = nn.ConvTranspose1d(512, 256, 16, 8, padding="SAME", key=key)
y = up(jnp.zeros((512, 20)))
"""
BENCH = """
import jax
import jax.numpy as jnp
from jax import lax

class Model:
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, extra=0):
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.extra = extra
        self.weight = jnp.zeros((kernel_size, kernel_size, out_channels, in_channels))
        self.bias = jnp.zeros(out_channels)

    def forward(self, x):
        x = jnp.transpose(x, (0, 2, 3, 1))
        pad = self.kernel_size - 1 - self.padding
        out = lax.conv_transpose(
            x, self.weight, strides=(self.stride, self.stride),
            padding=((pad, pad + self.extra), (pad, pad + self.extra)),
            dimension_numbers=("NHWC", "HWIO", "NHWC"), transpose_kernel=True,
        )
        return out + self.bias.reshape(1, 1, 1, -1)

model = Model(32, 64, 3, 2, 1, 1)
"""
WAVELETS = """
import jax
import jax.numpy as np

filters = np.ones((4, 1, 8, 8))
filters = np.ones((1, 4, 8, 8))
image = np.zeros((2, 4, 32, 32))
out = jax.lax.conv_transpose(
    lhs=image, rhs=filters, padding="VALID", strides=[2, 2],
    dimension_numbers=("NCHW", "OIHW", "NCHW"),
)
"""
NEAREST = """
import jax.numpy as jnp
from jax import lax

def upscale(image):
    kernel = jnp.ones((2, 2, 1, 1))
    return lax.conv_transpose(image, kernel, (2, 2), padding="VALID")
"""
LANCZOS = """
import jax, jax.numpy as jnp

kernel = jnp.zeros((1, 1, 12, 12))
image = jnp.zeros((1, 1, 9, 9))
out = jax.lax.conv_general_dilated(
    image, kernel, [1, 1], padding=[(6, 6), (6, 6)], lhs_dilation=[2, 2], rhs_dilation=None,
    dimension_numbers=("NCHW", "IOHW", "NCHW"),
)
plain = jax.lax.conv_general_dilated(out, kernel, [2, 2], "SAME")
"""
GROUPED = """
import jax.numpy as jnp
from jax import lax

x, w = jnp.zeros((1, 5, 5, 16)), jnp.zeros((4, 4, 1, 32))
dn = lax.conv_dimension_numbers(x.shape, w.shape, ("NHWC", "HWIO", "NHWC"))
y = lax.conv_general_dilated(
    x, w, window_strides=(1, 1), padding=((2, 3), (2, 3)), lhs_dilation=(2, 2),
    dimension_numbers=dn, feature_group_count=16,
)
y = y + bias.reshape(1, 1, 1, -1)
"""


TEXTS: dict[str, tuple[str, list[str]]] = {
    "a U-Net's ways up": (
        UNET,
        [
            "in_channels -> 128 channels, kernel 2x2, stride 2, bias hwIO",
            "in_channels -> 64 channels, kernel 2x2, stride 2, bias hwIO",
        ],
    ),
    "a VAE's decoder": (
        VAE,
        ["ic64_oc32_k3x3_s2x2_c0.1x0.1_b_n1_i7x7 hwIO", "ic32_oc1_k4x4_s2x2_c1.1x1.1_n1_i14x14 "],
    ),
    "layers of setup": (
        SETUP,
        [
            "in_channels -> 64 channels, kernel 5x5, stride 3x2, crop (1, 1) (1, 2), bias hwIO",
            "ic64_oc3_k5x5_c0.0x1.0_b hwIO",
        ],
    ),
    "a vocoder's loop": (
        WAVE,
        [
            "in_channels -> 128 channels, kernel 16, stride 8, crop 4, bias hwIO",
            "ic128_oc128_k8_s4_c2.2_b hwIO",
        ],
    ),
    "volumes": (
        VOLUMES,
        [
            "in_channels -> 16 channels, kernel 3x3x3, stride 1x2x2, crop (1, 1) (0, 1) (0, 1), "
            "bias hwIO"
        ],
    ),
    "nnx": (NNX, ["ic64_oc32_k3x3_s2x2_c0.1x0.1_b hwIO", "ic32_oc3_k4x4_s2x2_c1.1x1.1 hwIO"]),
    "nnx.update": (NNX_UPDATED, ["ic8_oc4_k3_s2_c0.1_b hwIO"]),
    "fields with defaults": (
        FIELDS,
        [
            "in_channels -> 96 channels, kernel 5x5, stride 2, crop (1, 2), bias hwIO",
            "ic96_oc3_k4x4_s2x2_c1.1x1.1_b hwIO",
        ],
    ),
    "Haiku's DCGAN": (
        DCGAN,
        [
            "ic512_oc256_k5x5_s2x2_c1.2x1.2_n1_i4x4 hwOI",
            "ic256_oc3_k5x5_s2x2_c1.2x1.2_b_n1_i8x8 hwOI",
        ],
    ),
    "Haiku's Sequential": (
        DREAMER,
        ["ic1024_oc128_k5x5_s2x2_b_n1_i1x1 hwOI", "ic128_oc64_k6x6_s2x2_b_n1_i5x5 hwOI"],
    ),
    "Haiku's pairs": (
        PAIRS,
        ["in_channels -> 32 channels, kernel 4x4, stride 2, crop 1, bias hwOI"],
    ),
    "Equinox": (
        EQUINOX,
        ["ic128_oc64_k4x4_s2x2_c1.1x1.1_b OIhw", "ic64_oc64_k3x3_s2x2_c1.0x1.0_g64 (GO)Ihw"],
    ),
    "Equinox's audio": (SPEECH, ["ic512_oc256_k16_s8_c4.4_b_n1_i20 OIhw"]),
    "a benchmark's port": (BENCH, ["ic32_oc64_k3x3_s2x2_c1.0x1.0_b "]),
    "wavelets": (WAVELETS, ["ic4_oc1_k8x8_s2x2_n2_i32x32 OIhw"]),
    "nearest neighbours": (NEAREST, ["ic1_oc1_k2x2_s2x2 hwIO"]),
    "a resize": (LANCZOS, ["ic1_oc1_k12x12_s2x2_c5.5x5.5_n1_i9x9 IOhw"]),
    "depthwise": (GROUPED, ["ic16_oc32_k4x4_s2x2_c1.0x1.0_g16_b_n1_i5x5 hwI(GO)"]),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_every_call_of_a_text(text: str, expected: list[str]) -> None:
    assert summary(text) == expected


def summary(text: str) -> list[str]:
    """What is read of each call: its operator, its input and the layout of its weights."""
    lines = []
    for one in look_up_every(text, to=["numpy"]):
        assert isinstance(one, LookUp), one
        what = one.descriptor or in_words(one.reading.operator)
        lines.append(f"{in_names(what)} {one.reading.weights}")
    return lines


def test_defaults_of_fields_are_said_to_be_ones() -> None:
    text = FIELDS.rpartition("decoder =")[0]
    first, _ = look_up_every(text, to=["numpy"])
    assert isinstance(first, LookUp)
    assert first.reading.operator.out_channels == 192
    note = "depth=48, stride=2: taken from the function's defaults; its caller may give others."
    assert note in first.reading.notes
