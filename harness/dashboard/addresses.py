"""Names of files for names that anybody may have written: safe, readable, and one for each."""

from __future__ import annotations

import hashlib
import re
from typing import Final

_UNSAFE: Final = re.compile(r"[^a-z0-9.-]+")
_LONGEST: Final = 80
# Windows keeps these for devices, whatever stands behind the first dot.
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
# What the name of another file may end in.
_CHANGED: Final = re.compile(r"\.[0-9a-f]{12}$")


def file_name(name: str) -> str:
    """Write a name so that any file system and any URL takes it as one part of a path.

    The same name always gives the same file, so that links to it last.  What had to be changed is
    followed by a part of its SHA-256, so that no two names share a file.

    >>> file_name("edge/sizes/batch-0"), file_name("pytorch")
    ('edge_sizes_batch-0', 'pytorch')
    >>> file_name("../../etc/passwd")
    'etc_passwd.3754d6cb3a38'
    """
    parts = [_UNSAFE.sub("-", part.lower()).strip(".-") for part in name.split("/")]
    readable = "_".join(part for part in parts if part)[:_LONGEST]
    safe = readable.replace("_", "/") == name != ""
    if safe and not _DEVICES.match(readable) and not _CHANGED.search(readable):
        return readable
    return (
        f"{readable or 'x'}.{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:12]}"
    )


def anchor(limitation: str) -> str:
    """Where a limitation is on its page.

    >>> anchor("chainer-dilate-zero")
    'limitation-chainer-dilate-zero'
    """
    return f"limitation-{file_name(limitation)}"
