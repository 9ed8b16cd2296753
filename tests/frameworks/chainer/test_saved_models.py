"""Arrays that Chainer itself saves tell the shapes of its layers, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_files import saved

from harness.core.errors import InputError
from harness.lookup.models import is_model, read_model

pytestmark = pytest.mark.frameworks

MODELS = """
import chainer, chainer.links as L

chain = chainer.Chain()
with chain.init_scope():
    chain.conv = L.Convolution2D(3, 8, 3)
    chain.up = L.Deconvolution2D(8, 6, (4, 3), stride=2, groups=2)
    chain.last = L.DeconvolutionND(1, 5, 4, 3, nobias=True)
chainer.serializers.save_npz("chain.npz", chain)
"""


def test_weights_say_their_shapes(tmp_path: Path) -> None:
    saved("chainer", MODELS, tmp_path)
    assert is_model(tmp_path / "chain.npz")
    assert not is_model(tmp_path / "kept.npz")
    with pytest.raises(InputError) as caught:
        read_model(tmp_path / "chain.npz", "chain.npz")
    assert sorted(str(caught.value).splitlines()[1:-1]) == [
        "  last/W (5, 4, 3): 5 -> 4 channels, kernel 3",
        "  up/W (8, 3, 4, 3): 8 -> 6 channels, kernel 4x3, 2 groups",
    ]
