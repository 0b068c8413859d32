"""How offsets without a command are accepted, by a command of their own, and made again in a copy of the log."""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import ConcurrentTransactions, for_code
from aiokafka.errors import KafkaError as ClientError
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest
from confluent_kafka import Consumer, KafkaException, Producer
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from audit.log.log_reader import LogReader, LogUnreadable, commands_of, require_shard
from runtime.aiokafka_security import aiokafka_security
from runtime.errors import FixableError
from runtime.kafka import (
    TIMEOUT_S,
    TRANSACTION_TIMEOUT_MS,
    bounds,
    command_producer_options,
    reader_options,
    why_unread,
)
from runtime.settings import Settings
from schemas.codec import command_in, decode_event, encode_command
from schemas.commands import AcceptOffsetGap, ActivateRules
from schemas.events import RulesActivated
from schemas.ids import broadcast_id
from schemas.offset_gaps import OffsetGap
from schemas.topics import COMMANDS

SINCE_RULES: Final = 2
IMPORTER: Final = "reprise-import-gap"
PAUSE_S: Final = 0.02
_RETRIED: Final = retry(
    retry=retry_if_exception(lambda error: isinstance(error, ClientError) and _passes(error)),
    stop=stop_after_delay(TIMEOUT_S),
    wait=wait_fixed(PAUSE_S),
    reraise=True,
)


def gaps_of(log: LogReader, shard: int, first: int = 0) -> Iterator[OffsetGap]:
    """Give the gaps of a shard's commands from an offset on, one at their end included.

    LogUnreadable where the commands do not stand in order.
    """
    upcoming, end = first, log.extent(shard).commands
    for offset in chain((record.offset for record in commands_of(log, shard, first)), [end]):
        if offset < upcoming:
            raise LogUnreadable(f"{log.name}, shard {shard}: offset {offset} stands behind {upcoming - 1}.", offset)
        if offset > upcoming:
            yield OffsetGap(shard, upcoming, offset - 1)
        upcoming = offset + 1


def is_accepted(log: LogReader, gap: OffsetGap) -> bool:
    """Whether a command behind a gap lets the ledger go on over it."""
    return gap.is_accepted_in(record.value for record in commands_of(log, gap.shard, gap.last + 1))


def accept_gap(log: LogReader, settings: Settings, gap: OffsetGap) -> None:
    """Append the command that lets a shard's ledger go on over a gap; the shard does when its engine starts again.

    FixableError, with nothing appended, where the shard has no such gap, its beginning was deleted there, the gap is
    accepted already, or the shard still goes by rules without this command.
    """
    require_shard(log, gap.shard)
    beginning = _beginning(settings, gap.shard)
    if gap.first < beginning:
        raise FixableError(
            f"The beginning of shard {gap.shard}, up to offset {beginning - 1}, was deleted: what it held is known to "
            "nobody, so it is never accepted, and nothing was appended."
        )
    difference = _difference(log, gap, beginning)
    if difference is not None:
        raise FixableError(
            f"Shard {gap.shard} {difference}: nothing was appended. Name a gap by its shard, first and last offset, as "
            "the engine's `/status` does."
        )
    if is_accepted(log, gap):
        raise FixableError("The gap is accepted already. Restart the engine, and the shard goes on over it.")
    version = _rules_version(log, gap)
    if version < SINCE_RULES:
        raise FixableError(
            f"Shard {gap.shard} goes by version {version} of the rules, which knows no accepted gap: nothing was "
            f"appended. Activate version {SINCE_RULES} first (POST /api/v1/admin/rules), then accept the gap."
        )
    name = f"offset-gap-{gap.shard}-{gap.first}-{gap.last}"
    command = AcceptOffsetGap(
        command_id=broadcast_id(name, gap.shard),
        shard=gap.shard,
        broadcast=name,
        first_offset=gap.first,
        last_offset=gap.last,
    )
    failures: list[str] = []
    producer = Producer(command_producer_options(settings, "reprise-accept-gap"))
    producer.produce(
        COMMANDS,
        value=encode_command(command),
        partition=gap.shard,
        on_delivery=lambda error, _: failures.append(error.str()) if error is not None else None,
    )
    if producer.flush(TIMEOUT_S) or failures:
        why = failures[0] if failures else f"no broker acknowledged it within {TIMEOUT_S:.0f} s"
        raise FixableError(f"It is not known whether the command was appended: {why}. Run the same command again.")


def _beginning(settings: Settings, shard: int) -> int:
    """Give the first offset that a shard's commands still have."""
    consumer = Consumer(reader_options(settings, "reprise-accept-gap"))
    try:
        return bounds(consumer, COMMANDS, shard)[0]
    except KafkaException as error:
        why = why_unread(error, settings.kafka_brokers)
        raise LogUnreadable(f"{COMMANDS}/{shard} cannot be read: {why}.") from error
    finally:
        consumer.close()


def _difference(log: LogReader, gap: OffsetGap, beginning: int) -> str | None:
    """Say what a shard has in place of a gap; null where it has just that one."""
    end = log.extent(gap.shard).commands
    if max(gap.first, gap.last) >= end:
        return f"has no offset gap there: {f'its commands end at offset {end - 1}' if end else 'it has no commands'}"
    found = next(gaps_of(log, gap.shard, max(beginning, gap.first - 1)), None)
    if found == gap:
        return None
    return "has no offset gap there" if found is None else f"has its next gap at {found.first} to {found.last}"


async def make_gap(settings: Settings, gap: OffsetGap) -> None:
    """Make the next offsets of a shard hold no record, as they do in the log that is copied.

    Each is taken by the control record of a transaction that wrote nothing, which no producer offers; so these are
    its requests. FixableError where a broker refuses.
    """
    client = AIOKafkaClient(bootstrap_servers=settings.kafka_brokers, client_id=IMPORTER, **aiokafka_security(settings))
    try:
        await client.bootstrap()
        for _ in range(gap.first, gap.last + 1):
            await _end_empty_transaction(client, gap.shard)
        # A broker answers before it writes the record; until it has, it lets no other transaction begin.
        await _begin(client)
    except ClientError as error:
        raise FixableError(f"{gap.sentence}, and it could not be made so: {error!r}.") from error
    finally:
        await client.close()


@_RETRIED
async def _end_empty_transaction(client: AIOKafkaClient, shard: int) -> None:
    node, producer = await _begin(client)
    added = await client.send(node, AddPartitionsToTxnRequest(*producer, [(COMMANDS, [shard])]))
    for _, partitions in added.errors:
        for _, code in partitions:
            _require_success(code)
    ended = await client.send(node, EndTxnRequest(*producer, True))
    _require_success(ended.error_code)


@_RETRIED
async def _begin(client: AIOKafkaClient) -> tuple[int, tuple[str, int, int]]:
    """Give the coordinator of the next transaction, and who writes it."""
    node = await client.coordinator_lookup(CoordinationType.TRANSACTION, IMPORTER)
    begun = await client.send(node, InitProducerIdRequest(IMPORTER, TRANSACTION_TIMEOUT_MS))
    _require_success(begun.error_code)
    return node, (IMPORTER, begun.producer_id, begun.producer_epoch)


def _passes(error: ClientError) -> bool:
    """Whether it is only for a moment, as while the end of the transaction before is being written."""
    return error.retriable or isinstance(error, ConcurrentTransactions)


def _require_success(code: int) -> None:
    error = for_code(code)
    if error.errno:
        raise error


def _rules_version(log: LogReader, gap: OffsetGap) -> int:
    """Give the version by which the shard goes on when it is past the gap: of its events, and of what waits there."""
    version = 1
    for batch in log.events(gap.shard, 0):
        for record in batch:
            event = decode_event(record.value)
            if isinstance(event, RulesActivated):
                version = event.version
    for record in commands_of(log, gap.shard, gap.last + 1):
        command = command_in(record.value, version)
        if isinstance(command, ActivateRules) and command.version == version + 1:
            version = command.version
    return version
