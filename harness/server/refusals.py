"""Requests that the service does not answer, each with its HTTP status."""

from __future__ import annotations

from typing import Any

from harness.core.errors import InputError


class RefusedError(InputError):
    """A request without an answer.

    Parameters
    ----------
    message : str
        For the visitor: the fact and what to do next.
    status : int
        Of the answer, over HTTP.
    line, column : int, optional
        The place in the text that it is about, from 1.
    """

    def __init__(
        self, message: str, status: int = 422, *, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.line = line
        self.column = column

    def to_json(self) -> dict[str, Any]:
        """The object that the API answers with."""
        return {"error": {"message": self.message, "line": self.line, "column": self.column}}
