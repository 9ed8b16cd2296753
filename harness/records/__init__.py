"""What a run leaves: statuses, verdicts, records, measurements, and the file that holds them."""
