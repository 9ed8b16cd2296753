"""JAX: a negative padding next to a smaller positive one reads foreign memory.

A float32 convolution without dilations, of at least two channels, with padding (lo, hi) where
lo < 0 < hi <= -lo on one axis gives numbers that differ from run to run.  No error, no warning.

Environment: jax
Needs: jax, jaxlib, numpy
Set: JAX_PLATFORMS=cpu
Upstream: https://github.com/openxla/xla/issues/48713
Varies: what stands in the memory that is read
"""

import numpy as np
from jax import lax

x = np.arange(1, 21, dtype="float32").reshape(2, 2, 5)
w = np.ones((2, 2, 4), "float32")
padded = np.pad(x[:, :, 2:], ((0, 0), (0, 0), (0, 2)))
sums = np.stack([padded[:, :, i : i + 4].sum((1, 2)) for i in range(2)], -1)
expected = np.stack([sums, sums], 1)  # The kernel is the same for both output channels.
got = np.asarray(lax.conv_general_dilated(x, w, (1,), [(-2, 2)]))
print("expected", expected.tolist())
print("got     ", got.tolist())
print("equal   ", np.array_equal(expected, got))

# Printed by jax 0.10.2, jaxlib 0.10.2, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected [[[39.0, 28.0], [39.0, 28.0]], [[99.0, 68.0], [99.0, 68.0]]]
#     got      [[[66.0, 84.0], [66.0, 84.0]], [[1.6386749665443316e+19, 6.8801923852903295e+22], [1.6386749665443316e+19, 6.8801923852903295e+22]]]
#     equal    False
