"""How every shard is brought to the next version of the rules."""

from uuid import UUID

from api.http.problems import REFUSALS, RULES_VERSION_UNKNOWN, ApiError
from api.log import broadcasts
from api.log.broadcasts import Broadcasts
from api.rules.schemas import ActivationReply, RulesReply
from schemas.codec import RULES_VERSION
from schemas.rejections import Rejection


async def activate(broadcasts: Broadcasts, by: UUID, version: int) -> ActivationReply:
    """Store that every shard goes on by this version; it is sent until each does."""
    stored = await broadcasts.activations()
    last = max((activation.version for activation in stored), default=1)
    if version not in {activation.version for activation in stored}:
        if version != last + 1:
            detail = f"Version {last} was the last to be asked for, so {last + 1} is next"
            raise ApiError(REFUSALS[Rejection.RULES_VERSION_NOT_NEXT], detail)
        # An engine of the same age would stop at it; what this API knows its engines should know.
        if version > RULES_VERSION:
            raise ApiError(RULES_VERSION_UNKNOWN, f"This version of Reprise has rules up to {RULES_VERSION}")
        await broadcasts.store_activation(version, by)
        stored = await broadcasts.activations()
    return _shown(broadcasts, next(activation for activation in stored if activation.version == version))


async def rules(broadcasts: Broadcasts) -> RulesReply:
    """Give the versions that were activated, and which shards go on by each."""
    activations = [_shown(broadcasts, activation) for activation in await broadcasts.activations()]
    done = [activation.version for activation in activations if not activation.waiting]
    return RulesReply(in_force=max(done, default=1), newest=RULES_VERSION, activations=activations)


def _shown(broadcasts: Broadcasts, activation: broadcasts.RulesActivation) -> ActivationReply:
    waiting = [shard for shard in broadcasts.shards if shard not in activation.answered]
    return ActivationReply(
        version=activation.version,
        broadcast=activation.broadcast,
        answered=list(activation.answered),
        waiting=waiting,
    )
