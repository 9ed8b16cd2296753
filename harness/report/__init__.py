"""Readers and writers of records; none of them knows how a record came about."""
