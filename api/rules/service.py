"""How every shard is brought to the next version of the rules."""

from api.app_state import Parts
from api.http.problems import REFUSALS, RULES_VERSION_UNKNOWN, ApiError
from api.log import broadcasts
from api.rules.schemas import Activation, Rules
from schemas.codec import RULES_VERSION
from schemas.rejections import Rejection


async def activate(parts: Parts, version: int) -> Activation:
    """Store that every shard goes on by this version; it is sent until each does."""
    stored = await parts.broadcasts.activations()
    last = max((activation.version for activation in stored), default=1)
    if version not in {activation.version for activation in stored}:
        if version != last + 1:
            detail = f"Version {last} was the last to be asked for, so {last + 1} is next"
            raise ApiError(REFUSALS[Rejection.RULES_VERSION_NOT_NEXT], detail)
        # An engine of the same age would stop at it; what this API knows its engines should know.
        if version > RULES_VERSION:
            raise ApiError(RULES_VERSION_UNKNOWN, f"This version of Reprise has rules up to {RULES_VERSION}")
        await parts.broadcasts.store_activation(version)
        stored = await parts.broadcasts.activations()
    return _shown(parts, next(activation for activation in stored if activation.version == version))


async def rules(parts: Parts) -> Rules:
    """Tell what was asked for, and what every shard has done."""
    activations = [_shown(parts, activation) for activation in await parts.broadcasts.activations()]
    done = [activation.version for activation in activations if not activation.waiting]
    return Rules(in_force=max(done, default=1), newest=RULES_VERSION, activations=activations)


def _shown(parts: Parts, activation: broadcasts.Activation) -> Activation:
    waiting = [shard for shard in range(parts.settings.shards) if shard not in activation.answered]
    return Activation(
        version=activation.version,
        broadcast=activation.broadcast,
        answered=list(activation.answered),
        waiting=waiting,
    )
