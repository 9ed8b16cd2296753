"""The layout of the data that a text gives Keras's configuration."""

from __future__ import annotations

from typing import Final

from harness.convention.arguments import Arguments
from harness.convention.values import shown
from harness.syntax.tree import calls, last_name

_LAYOUTS: Final = {
    "set_image_data_format": {"channels_first": "channels_first", "channels_last": "channels_last"},
    "set_image_dim_ordering": {"th": "channels_first", "tf": "channels_last"},
}


def configured_layout(given: Arguments, name: str) -> str | None:
    """Return what ``K.set_image_data_format("channels_first")`` before a layer sets.

    Parameters
    ----------
    given : Arguments
    name : str
        The argument that says it of one layer, for errors.

    Raises
    ------
    SnippetError
        Where it is not certain which setting holds for the layer.
    """
    found = None
    for statement in given.site.statements:
        for call in calls(statement.value):
            function = last_name(call)
            if function not in _LAYOUTS:
                continue
            value = call.arguments[0].value if call.arguments else None
            found = _LAYOUTS[function].get(value) if isinstance(value, str) else None
            if found is None or not given.site.always_after(statement):
                raise given.error(
                    f"the text calls {function}({shown(value)}), and it is not certain what holds "
                    f"for this layer: add {name} to the call."
                )
    return found
