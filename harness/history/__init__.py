"""Saved runs: how times and verdicts went from one run to the next.

``store`` keeps reports in a database (SQLite by default, PostgreSQL for a team) and returns what
became of the cases; ``steps`` finds lasting changes of times, and ``streaks`` those of verdicts.
Only ``store`` needs the extra ``history``.
"""
