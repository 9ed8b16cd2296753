"""JAX: the gradient of a strided transposed convolution reads foreign memory, where y is right.

Where an output is extended at the beginning and cropped as much or less at the end, the gradient
for x is a convolution with a negative padding next to a smaller positive one.  It is sometimes
right by luck, so that it is tried 20 times.

Environment: jax
Needs: jax, jaxlib, numpy
Set: JAX_PLATFORMS=cpu
Upstream: https://github.com/openxla/xla/issues/48713 (the forward convolution alone)
Varies: what stands in the memory that is read
"""

import jax
import numpy as np

dy = np.arange(1, 31, dtype="float32").reshape(1, 3, 10)
x, w = np.ones((1, 3, 4), "float32"), np.ones((3, 3, 3), "float32")


def f(x):  # crop (-3, 2) of a kernel of 3: padding (2 + 3, 2 - 2)
    options = {"lhs_dilation": (2,), "dimension_numbers": ("NCH", "OIH", "NCH")}
    return jax.lax.conv_general_dilated(x, w, (1,), [(5, 0)], **options)


expected = [[dy[0, :, 2 * i + 3 : 2 * i + 6].sum() for i in range(4)]] * 3
tries = [np.asarray(jax.vjp(f, x)[1](dy)[0][0]) for _ in range(20)]
wrong = [got for got in tries if not np.array_equal(expected, got)]
print("expected", np.array(expected).tolist())
print("got     ", *(got.tolist() for got in wrong[:1]))
print("equal   ", not wrong)

# Printed by jax 0.10.2, jaxlib 0.10.2, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected [[135.0, 153.0, 171.0, 60.0], [135.0, 153.0, 171.0, 60.0], [135.0, 153.0, 171.0, 60.0]]
#     got      [[135.0, 153.0, 171.0, 63.0], [135.0, 153.0, 171.0, 63.0], [135.0, 153.0, 171.0, 63.0]]
#     equal    False
