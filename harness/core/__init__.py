"""What everything else is about: the operator, its program, its training, the one error."""
