"""Requests that the service does not answer, each with its HTTP status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.core.errors import InputError


class RefusedError(InputError):
    """A request without an answer."""

    def __init__(
        self,
        message: str,  # For the visitor: the fact and what to do next
        status: int = 422,
        *,
        # What else the API says: the place in the text, the field that would help and an example.
        about: Mapping[str, Any] | None = None,
        page: str = "",  # The message in the words of the page, where they are others
        fields: Sequence[str] = (),  # The fields of the form that it names
        names: Sequence[Sequence[str]] = (),  # Names of the text that it asks for, with examples
        kept: Mapping[str, str] | None = None,  # Text and name of an uploaded file, to be typed in
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.about = about or dict.fromkeys(("line", "column", "asks", "example"))
        self.page = page or message
        self.fields = fields
        self.names = names
        self.kept = kept

    def to_json(self) -> dict[str, Any]:
        """The object that the API answers with."""
        return {"error": {"message": self.message, **self.about}}


def nobody_waits() -> RefusedError:
    """Return what is answered to a client that has gone: nobody reads it."""
    return RefusedError("the client has gone.", 499)
