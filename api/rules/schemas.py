"""The shapes of requests and replies about versions of the rules."""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from api.http.numbers import Whole

VERSION_MAX: Final = 1_000_000


class ActivationRequest(BaseModel):
    """The version to go on by: one more than the last that was asked for."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 2}]})

    version: Whole = Field(ge=1, le=VERSION_MAX)


class ActivationReply(BaseModel, title="Activation"):
    """How far one version is: done once no shard is waited for."""

    version: int
    broadcast: str = Field(examples=["rules-2"])
    answered: list[int] = Field(description="Shards that go on by it")
    waiting: list[int] = Field(description="Shards that have not answered; it is sent to them again")


class RulesReply(BaseModel, title="Rules"):
    """Which version is in force in every shard, which is the newest this API knows, and all that were asked for."""

    in_force: int
    newest: int
    activations: list[ActivationReply]
