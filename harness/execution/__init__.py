"""What it takes to run a framework: its environment, its device, its engine."""
