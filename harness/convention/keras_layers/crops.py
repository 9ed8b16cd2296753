"""What ``padding`` and ``output_padding`` of Keras remove, and how they are chosen."""

from __future__ import annotations

from collections.abc import Sequence

from harness.convention.text import Crops
from harness.core.named_number import at_least_0, is_certainly_1
from harness.core.operators import Operator


def crop_of(
    padding: str, output_padding: Sequence[int] | None, operator: Operator
) -> tuple[tuple[int, int], ...]:
    """Return what Keras removes; an odd total's odd element is taken from the end.

    >>> crop_of("same", None, Operator.of(1, 1, (4, 2), stride=(3, 5)))
    ((0, 1), (0, -3))
    """
    crops = []
    for axis, (stride, kernel) in enumerate(
        zip(operator.stride, operator.effective_kernel, strict=True)
    ):
        extra = None if output_padding is None else output_padding[axis]
        is_one = is_certainly_1(stride)
        if padding == "valid":
            missing = 0 if is_one else at_least_0(stride - kernel)
            crops.append((0, -(missing if extra is None else extra)))
        else:
            total = kernel - stride if extra is None else kernel - kernel % 2 - extra
            # With a stride of 1, only an output_padding beyond it makes the total negative.
            begin = (total if is_one and not extra else at_least_0(total)) // 2
            crops.append((begin, total - begin))
    return tuple(crops)


def chosen_crop(
    operator: Operator, *, on_tensorflow: bool
) -> tuple[str | None, Sequence[int] | None, Crops]:
    """Choose padding and output_padding for a crop; what is left of it needs a slice or a pad."""
    axes = list(zip(operator.crop, operator.stride, operator.effective_kernel, strict=True))
    beyond_valid = [-end for _, end in operator.crop]
    beyond_same = [kernel - kernel % 2 - begin - end for (begin, end), _, kernel in axes]
    choices: tuple[tuple[str, list[int] | None], ...] = (
        ("valid", None),
        ("same", None),
        ("valid", beyond_valid),
        ("same", beyond_same),
    )
    for padding, extra in choices:
        if extra is not None and output_padding_error(
            padding, extra, operator, on_tensorflow=on_tensorflow
        ):
            continue
        if crop_of(padding, extra, operator) == operator.crop:
            return ('"same"' if padding == "same" else None), extra, ((0, 0),) * operator.rank
    # Without output_padding a stride larger than the kernel would extend the output.
    gap = any(stride > kernel for _, stride, kernel in axes)
    return None, ((0,) * operator.rank if gap else None), operator.crop


def output_padding_error(
    padding: str, extra: Sequence[int], operator: Operator, *, on_tensorflow: bool
) -> str | None:
    """Why Keras, or TensorFlow where it is below it, refuses an output_padding."""
    for axis, value in enumerate(extra):
        stride, kernel = operator.stride[axis], operator.effective_kernel[axis]
        if not 0 <= value < stride:
            return (
                f"output_padding {list(extra)} must be at least 0 and less than strides "
                f"{list(operator.stride)} on every axis."
            )
        if on_tensorflow and padding == "same" and kernel % 2 == 0 and value == 0:
            return (
                f"padding 'same' with output_padding 0 and the even kernel {kernel} is refused by "
                "TensorFlow (the output it asks for belongs to a smaller input); other backends "
                f"of Keras compute it. Give output_padding {min(1, stride - 1)} or more, or leave "
                "it out."
                if stride > 1
                else f"padding 'same' with output_padding 0 and the even kernel {kernel} is "
                "refused by TensorFlow. Leave output_padding out."
            )
    return None
