"""The shapes of the replies about the API's health."""

from pydantic import BaseModel


class Alive(BaseModel):
    """The process answers."""

    alive: bool


class Ready(BaseModel):
    """Whether the API does its work, and if not, why, as a sentence."""

    ready: bool
    why: str | None
