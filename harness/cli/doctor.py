"""What is here, what is missing, and how to get it."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness.conformance.pipeline import engine_of
from harness.convention.device import Device, Math
from harness.convention.registry import convention, framework_names
from harness.engines import EngineUnavailableError
from harness.execution import devices as gpu
from harness.execution import environments
from harness.report.words import describe_engine
from harness.suite.specs import specs_root


def findings(
    pythons: Mapping[str, Path], device: Device = "cpu", math: Math = "ieee"
) -> Iterator[tuple[str, str, str]]:
    """Look at this machine; yield a mark (``ok`` or ``--``), a subject and what was found."""
    yield "ok", "deconform", f"{version('deconform')}, Python {platform.python_version()}"
    yield "ok", "suite", str(specs_root())
    yield "ok", "environments", str(environments.folder())
    try:
        yield "ok", "tox", version("tox")
    except PackageNotFoundError:
        yield "--", "tox", "missing (only `deconform envs` needs it): python -m pip install tox"
    reason = gpu.missing()
    yield ("--", "gpu", reason) if reason else ("ok", "gpu", ", ".join(gpu.gpus()))
    for name in framework_names():
        try:
            spoken = convention(name)
            with closing(engine_of(spoken, pythons, device=device, math=math)) as engine:
                info = engine.start()
        except EngineUnavailableError as error:
            yield "--", name, str(error)
        else:
            yield "ok", name, ", ".join(describe_engine(asdict(info)))
