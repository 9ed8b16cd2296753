"""JAX: a transposed convolution ends the process with SIGABRT.

One axis with stride 2, kernel 2 and padding (0, 0), another with a kernel longer than its input:
XLA's simplifier on the CPU dies of a failed check, "Window dimensions do not match RHS shape".

Environment: jax
Needs: jax, jaxlib, numpy
Set: JAX_PLATFORMS=cpu
Upstream: none found
"""

import numpy as np
from jax import lax

x = np.arange(1, 9, dtype="float32").reshape(1, 1, 2, 4)
w = np.arange(1, 7, dtype="float32").reshape(1, 1, 3, 2)
full = np.zeros((4, 8), "float32")
for i, j in np.ndindex(2, 4):
    full[i : i + 3, 2 * j : 2 * j + 2] += x[0, 0, i, j] * w[0, 0]
print("expected", full[:, 1:-1].tolist(), flush=True)
flipped, crop = w[:, :, ::-1, ::-1], [(2, 2), (0, 0)]
got = lax.conv_general_dilated(x, flipped, (1, 1), crop, lhs_dilation=(1, 2))
print("got     ", np.asarray(got)[0, 0].tolist())

# Printed by jax 0.10.2, jaxlib 0.10.2, numpy 2.4.6, Python 3.11.7, Linux x86_64:
#     expected [[2.0, 2.0, 4.0, 3.0, 6.0, 4.0], [14.0, 12.0, 20.0, 16.0, 26.0, 20.0], [26.0, 28.0, 36.0, 36.0, 46.0, 44.0], [30.0, 30.0, 36.0, 35.0, 42.0, 40.0]]
#     ended by SIGABRT
