"""Who may do what at an instance's own broker: a user for each service, with a password, and rules by topic.

Users prove themselves by SCRAM, which tells the password to nobody, and proves the broker to them too. What SCRAM needs
to know is kept by the broker itself; so the start, which makes it, comes by a listener of its own: PLAIN, with
passwords from the broker's settings, at a port that only the start knows and that the broker has bound before.
"""

import time
from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from runtime.settings import Settings
from schemas.topics import COMMANDS, EVENTS, SNAPSHOTS, TICKS, VENUE_COMMANDS, VENUE_EVENTS
from stack.ports import LOOPBACK

TIMEOUT_S: Final = 15.0
ITERATIONS: Final = 4_096  # the least there may be: these passwords are random, and cannot be guessed anyhow
MECHANISM: Final = "SCRAM-SHA-256"

BROKER: Final = "broker"  # itself, when it writes the ends of transactions
ADMIN: Final = "reprise-admin"  # `up` and the commands of whoever operates the instance
READER: Final = "reprise-reader"  # audits, and programs of the operator's downstream
ANONYMOUS: Final = "ANONYMOUS"  # who comes by the open listener, where there is one
ENGINE: Final = "engine"
ENGINE_GROUP: Final = "engine"
SUPERUSERS: Final = (BROKER, ADMIN)

LOG: Final = (COMMANDS, EVENTS, SNAPSHOTS)
VENUE: Final = (VENUE_COMMANDS, VENUE_EVENTS)
ALL: Final = (TICKS, *LOG, *VENUE)
# Which topics each may read, and which it may write.
READS: Final = {
    "api": ALL,
    "backfill": (TICKS,),
    ENGINE: LOG,
    "market-data": (TICKS, *LOG),
    "projector": (EVENTS, COMMANDS, *VENUE),
    "replay": (*LOG, TICKS),
    "venue": (*LOG, *VENUE),
    READER: ALL,
}
WRITES: Final = {
    "api": (COMMANDS, VENUE_COMMANDS),
    ENGINE: (EVENTS, SNAPSHOTS),
    "market-data": (COMMANDS, TICKS),
    "venue": (VENUE_EVENTS,),
}
# Who writes in transactions, and what their ids begin with.
TRANSACTIONS: Final = {ENGINE: "engine-", "venue": "venue-"}
CLOSED_GROUPS: Final = "reprise-"  # what the names of groups begin with that an open listener keeps out of
USERS: Final = (BROKER, ADMIN, *READS)
# The last two stood in the rules of a version that knew no users.
OF_OURS: Final = frozenset(f"User:{user}" for user in (*USERS, ANONYMOUS, "*", "nobody"))


def login(user: str, password: str, mechanism: str = MECHANISM) -> dict[str, Any]:
    """Options of a client that is this user."""
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": mechanism,
        "sasl.username": user,
        "sasl.password": password,
    }


def client_settings(user: str, password: str) -> dict[str, str]:
    """The same as settings of a service, by their names."""
    return {
        "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_SASL_MECHANISM": MECHANISM,
        "KAFKA_SASL_USERNAME": user,
        "KAFKA_SASL_PASSWORD": password,
    }


def client_file(brokers: str, user: str, password: str) -> str:
    """The same as a file of librdkafka's options, which many programs read."""
    options = {"bootstrap.servers": brokers, **login(user, password)}
    return "".join(f"{name}={value}\n" for name, value in options.items())


def java_client_file(brokers: str, user: str, password: str) -> str:
    """The same for programs in Java: librdkafka refuses the line that they log in by, and they pass over its names."""
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    options = {
        "bootstrap.servers": brokers,
        **{
            name: value
            for name, value in login(user, password).items()
            if name not in {"sasl.username", "sasl.password"}
        },
        "sasl.jaas.config": f'{module} required username="{user}" password="{password}";',
    }
    return "".join(f"{name}={value}\n" for name, value in options.items())


def as_user(settings: Settings, brokers: str, passwords: Mapping[str, str], user: str = ADMIN) -> Settings:
    """The settings with which a command of this process is a user of an instance's own broker."""
    login_of_it = {name.lower(): value for name, value in client_settings(user, passwords[user]).items()}
    return settings.model_copy(update={"kafka_brokers": brokers, **login_of_it})


def admin_of(port: int, options: Mapping[str, Any]) -> AdminClient:
    """An administrator of the broker at a port of this machine; it writes nothing to the terminal: failures are raised.

    options: by which it logs in.
    """
    return AdminClient(
        {"bootstrap.servers": f"{LOOPBACK}:{port}", "client.id": "reprise-admin", "log_level": 0, **options}
    )


def lay_out_users(admin: AdminClient, passwords: Mapping[str, str]) -> bool:
    """Make the broker know its users and what each may do; to say so again changes nothing.

    True where it had the rules of a version that knew no users.
    """
    mechanism = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, ITERATIONS)
    changed = admin.alter_user_scram_credentials(
        [UserScramCredentialUpsertion(user, mechanism, passwords[user].encode()) for user in USERS],
        request_timeout=TIMEOUT_S,
    )
    for user in changed.values():
        user.result(timeout=TIMEOUT_S)
    wanted = set(rules())
    found = set(admin.describe_acls(_every_rule(), request_timeout=TIMEOUT_S).result(timeout=TIMEOUT_S))
    if wanted - found:
        for created in admin.create_acls(list(wanted - found), request_timeout=TIMEOUT_S).values():
            created.result(timeout=TIMEOUT_S)
    # Rules of a version before would allow what this one does not; those that an operator made for others stay.
    filters = [_only(rule) for rule in found - wanted if rule.principal in OF_OURS]
    if filters:
        for deleted in admin.delete_acls(filters, request_timeout=TIMEOUT_S).values():
            deleted.result(timeout=TIMEOUT_S)
    return any(rule.principal == "User:*" for rule in found)


def wait_until_let_in(port: int, passwords: Mapping[str, str]) -> None:
    """Return when the broker, which hears of its users by and by, lets clients in; KafkaException where it does not."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            admin_of(port, login(ADMIN, passwords[ADMIN])).list_topics(timeout=1)
        except KafkaException:
            if time.monotonic() > deadline:
                raise
        else:
            return


def rules() -> list[AclBinding]:
    """What every user but the superusers may do. What no rule allows is refused."""
    found = [
        _topic(user, topic, operation)
        for operation, by_user in (
            (AclOperation.READ, READS),
            (AclOperation.WRITE, WRITES),
        )
        for user, topics in by_user.items()
        for topic in topics
    ]
    for user, prefix in TRANSACTIONS.items():
        found += [
            _rule(ResourceType.TRANSACTIONAL_ID, prefix, user, operation, pattern=ResourcePatternType.PREFIXED)
            for operation in (AclOperation.WRITE, AclOperation.DESCRIBE)
        ]
    found += [_rule(ResourceType.GROUP, ENGINE_GROUP, ENGINE, AclOperation.READ)]
    # A reader looks for its group's coordinator, also where it shares no work.
    found += [_rule(ResourceType.GROUP, "*", user, AclOperation.DESCRIBE) for user in READS]
    # Programs downstream share their work by groups of any name but the engine's, whose shards they would get.
    for user in (READER, ANONYMOUS):
        found += [
            _rule(ResourceType.GROUP, "*", user, AclOperation.READ),
            _rule(ResourceType.GROUP, ENGINE_GROUP, user, AclOperation.ALL, permission=AclPermissionType.DENY),
        ]
    # Whoever has no password joins no group of programs that have one, if its name says so.
    found += [
        _rule(
            ResourceType.GROUP,
            CLOSED_GROUPS,
            ANONYMOUS,
            AclOperation.ALL,
            pattern=ResourcePatternType.PREFIXED,
            permission=AclPermissionType.DENY,
        )
    ]
    return [*found, _topic(ANONYMOUS, TICKS, AclOperation.READ)]


def _topic(user: str, topic: str, operation: AclOperation) -> AclBinding:
    return _rule(ResourceType.TOPIC, topic, user, operation)


def _rule(
    resource: ResourceType,
    name: str,
    user: str,
    operation: AclOperation,
    *,
    pattern: ResourcePatternType = ResourcePatternType.LITERAL,
    permission: AclPermissionType = AclPermissionType.ALLOW,
) -> AclBinding:
    return AclBinding(resource, name, pattern, f"User:{user}", "*", operation, permission)


def _every_rule() -> AclBindingFilter:
    anything: Any = None  # Its types say that it takes none.
    return AclBindingFilter(
        ResourceType.ANY,
        anything,
        ResourcePatternType.ANY,
        anything,
        anything,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )


def _only(rule: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        rule.restype,
        rule.name,
        rule.resource_pattern_type,
        rule.principal,
        rule.host,
        rule.operation,
        rule.permission_type,
    )
