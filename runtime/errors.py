"""Which failures a person can put right: shown as one line instead of a traceback."""

from collections.abc import Mapping


class FixableError(Exception):
    """Its text is one line that says what is wrong and what to do about it."""

    @property
    def lines(self) -> list[str]:
        """What is printed of it: one line, where what another program said has more."""
        return [" ".join(line.strip() for line in str(self).splitlines())]


class Mistakes(FixableError):
    """Several at once, each by the name of the setting or option it is about."""

    def __init__(self, mistakes: Mapping[str, str]) -> None:
        super().__init__("\n".join(mistakes.values()))
        self.mistakes = mistakes

    @property
    def lines(self) -> list[str]:
        """A line for each."""
        return list(self.mistakes.values())
