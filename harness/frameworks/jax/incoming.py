"""What comes into a layer, by the layers before it in the text."""

from __future__ import annotations

from typing import Literal

from harness.convention.arguments import Arguments, Form
from harness.convention.chains import Flow


def incoming(
    given: Arguments, library: Literal["LINEN", "NNX", "HAIKU"], channels: int | None = None
) -> Flow:
    """Return what the text shows of a layer's input, which has ``channels`` if these are known."""
    if given.supplied.input is not None or given.site.stands_alone:
        return Flow()
    # Other look-ups start faster without it.
    from harness.convention.python_flows import flow_into  # noqa: PLC0415
    from harness.frameworks.jax import plain_layers  # noqa: PLC0415

    forms = [given.form] if isinstance(given.form, Form) else []
    flow = flow_into(given.site, getattr(plain_layers, library), forms)
    # One that has others is not what comes in: something between is not understood.
    return flow if channels in (None, flow.channels) else Flow()
