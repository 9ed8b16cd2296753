"""What is done to the input or the weights inside a call is not in its answer, and is noted."""

from __future__ import annotations

import pytest

from harness.lookup.reading import read

NOTED = {
    "F.conv_transpose2d(x, w.flip(2, 3), stride=2)": "weight is the call w.flip(...)",
    "F.conv_transpose2d(x, torch.flip(w, [2, 3]), stride=2)": "weight is the call torch.flip(...)",
    "F.conv_transpose2d(x, w.transpose(0, 1), stride=2)": "weight is the call w.transpose(...)",
    "F.conv_transpose2d(x, w[:, :, ::-1, ::-1], stride=2)": "weight is w[:, :, ::-1, ::-1]",
    "F.conv_transpose2d(x, self.w * self.scale, stride=2)": "weight is self.w * self.scale",
    "F.conv_transpose2d(x, w.mT, stride=2)": "weight is w.mT",
    "F.conv_transpose2d(F.pad(x, (1, 1, 1, 1)), w, stride=2)": "input is the call F.pad(...)",
    "F.conv_transpose2d(x[:, :, 1:], w, stride=2)": "input is x[:, :, 1:]",
    "k = w.flip(2, 3)\nF.conv_transpose2d(x, k, stride=2)": "weight is the call w.flip(...)",
    "F.deconvolution_2d(F.pad(x, p, 'constant'), W, stride=2)": "x is the call F.pad(...)",
    "up = nn.ConvTranspose2d(6, 4, 3, 2, bias=False)\ny = up(F.pad(x, p))": (
        "the input is the call F.pad(...)"
    ),
    "y = Conv2DTranspose(4, 3, 2, use_bias=False)(ZeroPadding2D(1)(x))": "the input is a call",
    "y = dltranspconv(x, flip(w, 1), 0, 'Stride', 2);": "weights is the call flip(...)",
    "y = dltranspconv(x, 2*w, 0, 'Stride', 2);": "weights is 2*w",
    "y = dltranspconv(x, -w, 0, 'Stride', 2);": "weights is -w",
    "y = dltranspconv(x, w(end:-1:1,:,:,:), 0, 'Stride', 2);": "weights is the call w(...)",
    "y = dltranspconv(x', w, 0, 'Stride', 2);": "X is x'",
    "y = dltranspconv(x(2:end,:,:), w, 0, 'Stride', 2);": "X is the call x(...)",
    'DeconvolutionLayer[4, {3, 3}, "Stride" -> 2, "Biases" -> None, "Weights" -> 2 w]': (
        "Weights is 2 w"
    ),
    'DeconvolutionLayer[4, {3, 3}, "Stride" -> 2, "Biases" -> None, "Weights" -> w/9]': (
        "Weights is w/9"
    ),
    'DeconvolutionLayer[4, {3, 3}, "Stride" -> 2, "Biases" -> None, "Weights" -> Reverse[w]]': (
        "Weights is the call Reverse(...)"
    ),
}


@pytest.mark.parametrize(("text", "note"), NOTED.items(), ids=NOTED)
def test_what_is_done_to_an_array_is_noted(text: str, note: str) -> None:
    found = read(text, input=(1, 6, 8, 8), weight=(6, 4, 3, 3))
    assert found.operator.descriptor == "ic6_oc4_k3x3_s2x2"
    what = "input" if "input" in note or note[:2] in {"x ", "X "} else "weights"
    assert f"{note}: what that does to the {what} is not in the answer." in found.notes


@pytest.mark.parametrize(
    "text",
    [
        "F.conv_transpose2d(x.cuda(), w.to(x.dtype), stride=2)",
        "F.conv_transpose2d(F.relu(x), self.weights['up'], stride=2)",
        "F.conv_transpose2d(x + y, params[0], stride=2)",
        "F.conv_transpose2d(torch.randn(1, 6, 8, 8), torch.randn(6, 4, 3, 3), stride=2)",
        "up = nn.ConvTranspose2d(6, 4, 3, 2, bias=False)\ny = up(F.relu(x))",
    ],
)
def test_other_arrays_are_not(text: str) -> None:
    found = read(text, weight=(6, 4, 3, 3))
    assert (found.operator.descriptor, found.notes) == ("ic6_oc4_k3x3_s2x2", ())
