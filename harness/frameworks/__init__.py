"""One folder for each framework: its text, the calls that are read, and its own facts."""
