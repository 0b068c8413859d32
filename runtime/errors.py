"""Which failures a person can put right, told in one line instead of a traceback."""


class FixableError(Exception):
    """Its text is one line that says what is wrong and what to do about it."""
