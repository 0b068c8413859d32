"""Which failures a person can put right: shown as one line instead of a traceback."""


class FixableError(Exception):
    """Its text is one line that says what is wrong and what to do about it."""
