"""One folder for each framework: how it is written, how its calls are read, and all its own facts."""
