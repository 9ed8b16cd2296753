"""The one kind of error that a user's input raises."""


class InputError(ValueError):
    """Something that was typed, or a file that was named, cannot be used.

    The message is for the person who gave it: the fact with its values, the arithmetic, and what to
    do next.  Whatever reads input derives its own error from this one; the command line shows it
    without a traceback and exits with status 2.
    """
