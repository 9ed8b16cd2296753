"""A short name of all that a run is asked: two runs with the same one have the same verdicts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict

from harness.suite.case import Case
from harness.suite.limitations import Limitation


def fingerprint(cases: Iterable[Case], limitations: Iterable[Limitation] = ()) -> str:
    """Return the name of these cases in this order and of what is known to go wrong.

    Where they are written, and what is noted of them, makes no difference.

    >>> from harness.suite.case import case_from_descriptor
    >>> case = case_from_descriptor("ic2_oc3_k3_n1_i5")
    >>> fingerprint([case]) == fingerprint([case]) != fingerprint([case, case])
    True
    """
    digest = hashlib.sha256()
    for case in cases:
        stated = (case.id, case.descriptor, case.rejected, sorted(case.says.items()))
        digest.update(repr(stated).encode(errors="backslashreplace"))
        for name, array in sorted(case.given.items()):
            digest.update(f"{name} {array.dtype} {array.shape}".encode())
            digest.update(array.tobytes())
    for limitation in limitations:
        known = {k: v for k, v in asdict(limitation).items() if k not in {"file", "line"}}
        digest.update(repr(sorted(known.items())).encode(errors="backslashreplace"))
    return digest.hexdigest()[:12]
