"""Data for scripts, as a script: a page that was opened from disk may load nothing else."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any


def packed(name: str, value: Any) -> str:
    """Write a value so that ``deconform.take(name)`` gives it to a page's script.

    >>> packed("it", {"a": 1}).partition('", "')[0]
    'deconform.put("it'
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    # Without a date inside, equal data make equal files.
    data = base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode("ascii")
    return f'deconform.put({json.dumps(name)}, "{data}");\n'
