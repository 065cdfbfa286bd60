"""The one exception for what a user gave and can mend."""

__all__ = ["InputError"]


class InputError(ValueError):
    """Input that cannot be used: one sentence says what was given, what is allowed, what to do.

    The command line prints the sentence and ends with exit code 2.
    """
