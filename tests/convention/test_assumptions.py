"""What a reading takes for granted is noted."""

from __future__ import annotations

import pytest

from harness.lookup.reading import read

UP = "nn.ConvTranspose1d(8, 4, 3)"
LINK = "L.Deconvolution2D(3, 4, 3)"
ABOUT_THE_LAYER = [
    f"up = weight_norm({UP})",
    f"self.ups = nn.ModuleList([weight_norm({UP})])",
    f"up = nn.Sequential(nn.Conv1d(8, 8, 3), spectral_norm({UP}))",
    f"self.up = {UP}\nself.up = spectral_norm(self.up)",
    f"up = {UP}\ntorch.nn.utils.parametrizations.weight_norm(up, dim=1)",
    f"up = {UP}\nfor each in net.modules():\n    weight_norm(each)",
    f"up = {UP}\nparametrize.register_parametrization(up, 'weight', Symmetric())",
    f"up = {UP}\nprune.l1_unstructured(up, 'weight', 0.3)",
    f"from torch.nn.utils import weight_norm as wn\nup = wn({UP})",
    f"link = {LINK}.add_hook(SpectralNormalization())",
    f"link = {LINK}\nlink.add_hook(chainer.link_hooks.SpectralNormalization())",
    f"link = {LINK}\nwith chainer.link_hooks.SpectralNormalization():\n    y = link(x)",
    "y = tfa.layers.WeightNormalization(tf.keras.layers.Conv2DTranspose(4, 3))(x)",
]
ABOUT_ANOTHER = [
    f"up = nn.Sequential(weight_norm(nn.Conv1d(8, 8, 3)), {UP})",
    f"self.up = {UP}\nself.down = nn.Conv1d(4, 4, 3)\nself.down = spectral_norm(self.down)",
    f"down = nn.Conv1d(8, 8, 3)\nprune.l1_unstructured(down, 'weight', 0.3)\nup = {UP}",
    f"layer_norm = nn.LayerNorm(8)\nup = {UP}",
]


@pytest.mark.parametrize("text", [*ABOUT_THE_LAYER, *ABOUT_ANOTHER])
def test_weights_that_are_computed_anew_at_every_call_are_noted(text: str) -> None:
    reading = read(text, input=(1, 3, 8, 8) if "2D" in text else None)
    noted = [note for note in reading.notes if "computes its weights from other arrays" in note]
    assert len(noted) == (text in ABOUT_THE_LAYER)
