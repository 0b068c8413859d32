"""How ids are made that must come out the same every time."""

from typing import Final
from uuid import UUID, uuid5

_NAMESPACE: Final = UUID("6f1a3c1e-6d6b-5b7e-9b1e-2f0a6f0c7e11")


def open_account_id(account_id: str) -> str:
    """Id of the one command that opens an account, however often it is sent."""
    return str(uuid5(_NAMESPACE, f"{account_id}/open"))


def keyed_command_id(account_id: str, key: str) -> str:
    """Id of the command an account sends under an Idempotency-Key or a client order id."""
    return str(uuid5(_NAMESPACE, f"{account_id}/key/{key}"))


def keyed_alert_id(account_id: str, key: str) -> str:
    """Id of the price alert an account makes under an Idempotency-Key."""
    return str(uuid5(_NAMESPACE, f"{account_id}/alert/{key}"))


def broadcast_id(broadcast: str, shard: int) -> str:
    """Id of a broadcast's command in one shard."""
    return str(uuid5(_NAMESPACE, f"broadcast/{broadcast}/{shard}"))


def position_id(shard: int, number: int) -> str:
    """Name of a position: `shard-n`."""
    return f"{shard}-{number}"


def event_id(shard: int, seq: int) -> str:
    """Name of an event: `shard-seq`."""
    return f"{shard}-{seq}"
