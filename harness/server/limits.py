"""What one request may cost; the page, the API's description and every error say it from here."""

from __future__ import annotations

from typing import Final

MAX_TEXT: Final = 1_000_000  # Characters of code, of a text or in a file
MAX_LINKED: Final = 5_000  # Characters of a text in an address
MAX_FILE: Final = 2**24  # Bytes of a file: a notebook has pictures, a model weights
MAX_BODY: Final = MAX_FILE + 2**21  # With a text of the form next to the file
# JSON and fields of a form in an address's spelling cost more memory than files.
MAX_PLAIN_BODY: Final = 2**22
MAX_FIELDS: Final = 128
MAX_CALLS: Final = 200  # Answers to one request
MAX_NAMES: Final = 64  # Names that are given values
MAX_VALUE: Final = 200  # Characters of a name, and of its value
MAX_FILE_NAME: Final = 255
MAX_ANSWER: Final = 2**23  # Bytes
