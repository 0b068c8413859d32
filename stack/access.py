"""Whose transactions the broker of an instance takes: those of the exchange.

A foreign transaction among the commands leaves an offset gap, one among the events hides what is committed behind it.
Who is who is not asked yet, so this keeps mistakes out and nobody else: it goes by the names of transactions.
"""

from typing import Final

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from stack.ports import LOOPBACK

# What the ids of the engine's, the venue worker's and the CLI's transactions begin with.
OWN_PREFIXES: Final = ("engine-", "reprise-", "venue-")
TIMEOUT_S: Final = 15.0


def admin_of(port: int) -> AdminClient:
    """An administrator of the instance's own broker, which writes nothing to the terminal: what fails is raised."""
    return AdminClient({"bootstrap.servers": f"{LOOPBACK}:{port}", "client.id": "reprise-admin", "log_level": 0})


def restrict_transactions(port: int) -> None:
    """Let the broker refuse every transactional id but the exchange's own; to say so again changes nothing."""
    admin = admin_of(port)
    # A resource that no rule names is anybody's. This one names them all, and gives them to nobody.
    rules = [_rule("*", ResourcePatternType.LITERAL, "User:nobody")]
    rules += [_rule(prefix, ResourcePatternType.PREFIXED, "User:*") for prefix in OWN_PREFIXES]
    for created in admin.create_acls(rules, request_timeout=TIMEOUT_S).values():
        created.result(timeout=TIMEOUT_S)


def _rule(name: str, pattern: ResourcePatternType, principal: str) -> AclBinding:
    return AclBinding(
        ResourceType.TRANSACTIONAL_ID, name, pattern, principal, "*", AclOperation.ALL, AclPermissionType.ALLOW
    )
