"""How to start what executes an implementation's programs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import harness.doors
from harness.doors.implementation import Implementation
from harness.execution.environments import Launch

_DOORS: Final = Path(harness.doors.__file__).parent
# By door, the module that its programs import, and the file of ours that it is.
_PACKAGES: Final = {
    "python": {},
    "library": {"deconform_library": str(_DOORS / "library.py")},
    "onnx": {"deconform_onnx": str(_DOORS / "onnx_model.py")},
}


def launch_door(implementation: Implementation) -> Launch:
    """Return how what runs an implementation starts: a guarded worker, or its own program."""
    if implementation.door == "command":
        return Launch(
            implementation.interpreter,
            "",
            advice=f"`deconform check-worker {implementation.file}` says more",
            folder=implementation.folder,
            program=implementation.target,
        )
    searched = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return Launch(
        implementation.interpreter,
        implementation.module or f"deconform_{implementation.door}",
        language=_DOORS / "guard.py",
        packages=_PACKAGES[implementation.door],
        path=(str(implementation.folder), *filter(None, searched)),
        folder=implementation.folder,
    )
