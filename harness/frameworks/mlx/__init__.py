"""MLX: every fact about it that a look-up needs."""

from __future__ import annotations

from typing import Final

from harness.convention.registry import Convention, late

CONVENTION: Final = Convention(
    name="mlx",
    title="MLX",
    distribution="mlx",
    module="mlx",
    weights="OHWI",
    grouped_weights="(GO)HWI",
    render=late(__name__, "render"),
    layer=late(__name__, "layer"),
    is_text_only=True,
    named_by=("mlx", "mx.conv_transpose"),
    modules=("mlx",),
    calls="conv_transpose[123]d|ConvTranspose[123]d",
    remarks=(
        "Arrays have their channels last, and the weights their output channels first.",
        (
            "The sixth argument is the dilation, and output_padding comes after it: not PyTorch's "
            "order. conv_transpose1d takes numbers, no tuples."
        ),
        (
            "A padding above dilation * (kernel - 1) with a stride gives another size than the "
            "documents' formula, silently, or is refused (0.32.4): it is sliced instead."
        ),
        (
            "The document of conv_transpose2d says that it takes no groups, and it computes them; "
            "conv_transpose3d refuses them, and the layers have no such argument."
        ),
        "On a GPU there is no float64.",
    ),
)
