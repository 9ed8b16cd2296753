"""Engines execute programs: they know text, arrays and processes, but no convention."""
