"""Every mutant as somebody would write it by mistake: a function behind the canonical signature."""

from __future__ import annotations

from typing import Any

import numpy as np
from dishonest import honest

Array = Any


def kernel_flipped(x: Array, w: Array, b: Array, **options: Any) -> Array:
    """Run the kernel backwards."""
    return honest(x, np.flip(w, tuple(range(2, w.ndim))), b, **options)


def kernel_axes_swapped(x: Array, w: Array, b: Array, **options: Any) -> Array:
    """Exchange the kernel's last two axes."""
    return honest(x, w if w.ndim == 3 else w.swapaxes(-1, -2), b, **options)


def channels_swapped(x: Array, w: Array, b: Array, groups: int, **options: Any) -> Array:
    """Exchange input and output channels."""
    is_square = groups == 1 and w.shape[0] == w.shape[1]
    return honest(x, w.swapaxes(0, 1) if is_square else w, b, groups=groups, **options)


def groups_interleaved(x: Array, w: Array, b: Array, groups: int, **options: Any) -> Array:
    """Let input channel i belong to group i mod groups."""
    order = np.arange(x.shape[1]).reshape(-1, groups).T.ravel()
    return honest(x[:, order], w, b, groups=groups, **options)


def group_channels_swapped(x: Array, w: Array, b: Array, groups: int, **options: Any) -> Array:
    """Read each group's weights as if its output channels came first."""
    ins, outs = len(w) // groups, w.shape[1]
    if groups > 1:
        w = np.moveaxis(w.reshape(groups, outs, ins, *w.shape[2:]), 1, 2).reshape(w.shape)
    return honest(x, w, b, groups=groups, **options)


def first_bias_for_every_group(x: Array, w: Array, b: Array, groups: int, **options: Any) -> Array:
    """Give each group the first group's bias."""
    b = None if b is None else np.tile(b[: len(b) // groups], groups)
    return honest(x, w, b, groups=groups, **options)


def bias_ignored(x: Array, w: Array, b: Array, **options: Any) -> Array:
    """Add no bias."""
    del b
    return honest(x, w, None, **options)


def crop_sides_swapped(*arguments: Array, crop: Any, **options: Any) -> Array:
    """Cut at the beginning what the end should lose."""
    return honest(*arguments, crop=[pair[::-1] for pair in crop], **options)


def crop_axes_reversed(*arguments: Array, crop: Any, **options: Any) -> Array:
    """Apply the first axis' crop to the last."""
    return honest(*arguments, crop=crop[::-1], **options)


def crop_ignored(*arguments: Array, crop: Any, **options: Any) -> Array:
    """Return the full output."""
    return honest(*arguments, crop=[(0, 0) for _ in crop], **options)


def crop_taken_as_input_padding(
    x: Array, w: Array, b: Array, *, dilation: Any, crop: Any, **options: Any
) -> Array:
    """Pad the zero-inserted input by the crop, in place of shortening the output."""
    reach = [d * (k - 1) for d, k in zip(dilation, w.shape[2:], strict=True)]
    crop = [(r - begin, r - end) for r, (begin, end) in zip(reach, crop, strict=True)]
    return honest(x, w, b, dilation=dilation, crop=crop, **options)


def output_padding_times_stride(*arguments: Array, stride: Any, crop: Any, **options: Any) -> Array:
    """Multiply by the stride what the end gets back."""
    crop = [
        (begin, begin - (begin - end) * s if begin > end else end)
        for s, (begin, end) in zip(stride, crop, strict=True)
    ]
    return honest(*arguments, stride=stride, crop=crop, **options)


def dilation_ignored(*arguments: Array, dilation: Any, **options: Any) -> Array:
    """Do not dilate the kernel."""
    return honest(*arguments, dilation=[1 for _ in dilation], **options)


def first_dilation_on_every_axis(*arguments: Array, dilation: Any, **options: Any) -> Array:
    """Use the first axis' dilation for all."""
    return honest(*arguments, dilation=dilation[:1] * len(dilation), **options)


def k_plus_d_minus_1(
    x: Array, w: Array, b: Array, *, dilation: Any, crop: Any, **options: Any
) -> Array:
    """Take the dilated kernel's extent as k + d - 1."""
    axes = zip(crop, dilation, w.shape[2:], strict=True)
    crop = [(begin, end + d * (k - 1) - (k + d - 2)) for (begin, end), d, k in axes]
    return honest(x, w, b, dilation=dilation, crop=crop, **options)


def stride_ignored(*arguments: Array, stride: Any, **options: Any) -> Array:
    """Take the stride as 1."""
    return honest(*arguments, stride=[1 for _ in stride], **options)


def first_stride_on_every_axis(*arguments: Array, stride: Any, **options: Any) -> Array:
    """Use the first axis' stride for all."""
    return honest(*arguments, stride=stride[:1] * len(stride), **options)


def stride_and_dilation_swapped(
    *arguments: Array, stride: Any, dilation: Any, **options: Any
) -> Array:
    """Use each in the other's place."""
    return honest(*arguments, stride=dilation, dilation=stride, **options)


def whole_crop_at_the_end(*arguments: Array, crop: Any, **options: Any) -> Array:
    """Know the output's size, and cut nothing at the beginning."""
    return honest(*arguments, crop=[(0, sum(pair)) for pair in crop], **options)


def crop_halved(*arguments: Array, crop: Any, **options: Any) -> Array:
    """Cut half at each end, and what is odd at the end."""
    crop = [(sum(pair) // 2, -(-sum(pair) // 2)) for pair in crop]
    return honest(*arguments, crop=crop, **options)


def crop_halved_odd_one_first(*arguments: Array, crop: Any, **options: Any) -> Array:
    """Cut half at each end, and what is odd at the beginning."""
    crop = [(-(-sum(pair) // 2), sum(pair) // 2) for pair in crop]
    return honest(*arguments, crop=crop, **options)


def first_crop_on_every_axis(*arguments: Array, crop: Any, **options: Any) -> Array:
    """Use the first axis' crop for all."""
    return honest(*arguments, crop=[crop[0] for _ in crop], **options)


def output_padding_ignored(*arguments: Array, crop: Any, **options: Any) -> Array:
    """Give the end nothing back."""
    return honest(*arguments, crop=[(begin, max(begin, end)) for begin, end in crop], **options)


def output_padding_at_both_ends(*arguments: Array, crop: Any, **options: Any) -> Array:
    """Give the beginning back what the end gets."""
    return honest(*arguments, crop=[(min(begin, end), end) for begin, end in crop], **options)


def extension_ignored(*arguments: Array, crop: Any, **options: Any) -> Array:
    """Take a negative crop as none."""
    return honest(*arguments, crop=np.maximum(crop, 0).tolist(), **options)


def no_bias_in_the_extension(*arguments: Array, crop: Any, **options: Any) -> Array:
    """Add the bias, then pad."""
    y = honest(*arguments, crop=np.maximum(crop, 0).tolist(), **options)
    return np.pad(y, [(0, 0), (0, 0), *np.maximum(-np.array(crop), 0).tolist()])


def stride_axes_reversed(*arguments: Array, stride: Any, **options: Any) -> Array:
    """Use the first axis' stride for the last."""
    return honest(*arguments, stride=stride[::-1], **options)


def dilation_axes_reversed(*arguments: Array, dilation: Any, **options: Any) -> Array:
    """Use the first axis' dilation for the last."""
    return honest(*arguments, dilation=dilation[::-1], **options)
