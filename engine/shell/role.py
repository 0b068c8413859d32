"""Whether an engine process begins as its worker's owner or as its standby."""

from typing import Any, Final, Literal

import httpx
import structlog

from runtime.settings import Settings

log = structlog.get_logger(__name__)

Role = Literal["owner", "standby"]

PARTNER_TIMEOUT_S: Final = 1.0


def role_of(settings: Settings) -> Role:
    """Give the role to begin with; of a pair that is up the one that owns goes on owning. Blocks; for a thread."""
    if settings.engine_standby:
        return "standby"
    if settings.engine_partner and _says(settings.engine_partner).get("role") == "owner":
        log.info("the partner owns the shards, so this one stands by", partner=settings.engine_partner)
        return "standby"
    return "owner"


def _says(partner: str) -> dict[str, Any]:
    """What the other of the pair says of itself; nothing where it does not run."""
    try:
        # No proxy: what the environment says about the internet is not about a partner.
        answer = httpx.get(f"http://{partner}/status", timeout=PARTNER_TIMEOUT_S, trust_env=False)
        content = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        log.info("the partner does not answer", partner=partner, error=str(error))
        return {}
    return content if isinstance(content, dict) else {}
