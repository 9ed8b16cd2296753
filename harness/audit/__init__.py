"""Audits: what becomes of a project's transposed convolutions in other frameworks.

paths --walk--> files --read_file--> layers and what is unread --known--> table, JSON, SARIF
"""
