"""Look-ups: from a snippet to a call site, to what it means, to the equal call everywhere else."""
