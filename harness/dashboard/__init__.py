"""The static dashboard: a folder of pages made from reports, to be opened from disk.

It needs no network and no server.  What reports hold is untrusted: it is escaped, never part of a
path, and never run.
"""

from harness.dashboard.building import Built, build

__all__ = ["Built", "build"]
