"""What the service does not answer, each with its HTTP status and a sentence for the visitor."""

from __future__ import annotations

from typing import Any

from harness.core.errors import InputError


class RefusedError(InputError):
    """A request without an answer.

    Parameters
    ----------
    message : str
        For the visitor: the fact and what to do next.
    line, column : int, optional
        The place in the text that it is about, from 1.
    """

    status = 422

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column

    def to_json(self) -> dict[str, Any]:
        """The object that the API answers with."""
        return {"error": {"message": self.message, "line": self.line, "column": self.column}}


class QueryError(RefusedError):
    """A request that does not have the form which the API describes."""

    status = 400


class HostError(RefusedError):
    """A request by a name that is not the service's."""

    status = 400


class TooLargeError(RefusedError):
    """A body that is longer than any query."""

    status = 413


class MediaTypeError(RefusedError):
    """A body of another type than JSON."""

    status = 415


class BusyError(RefusedError):
    """More look-ups at once than are allowed to wait."""

    status = 503


class TooSlowError(RefusedError):
    """A look-up that was ended because of its time limit."""

    status = 504


class WorkerDiedError(RefusedError):
    """A look-up whose process ended without an answer."""

    status = 500
