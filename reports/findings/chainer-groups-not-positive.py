"""Chainer: groups=0 and groups=-1 are taken for 1.

Environment: chainer
Needs: chainer, numpy
Limitation: chainer-groups-not-positive
Upstream: none found
"""

import chainer.functions as F
import numpy as np

x, w = np.array([[[[1, 10]]]], "float32"), np.array([[[[1, 2]]]], "float32")
for groups in (0, -1):
    print("expected", f"an error: {groups} groups")
    print("got     ", F.deconvolution_2d(x, w, groups=groups).array[0, 0].tolist())

# Printed by chainer 7.8.1, numpy 1.23.5, Python 3.11.7, Linux x86_64:
#     expected an error: 0 groups
#     got      [[1.0, 12.0, 20.0]]
#     expected an error: -1 groups
#     got      [[1.0, 12.0, 20.0]]
