"""Commands on the log itself: topics and tail."""

import json
import sys
from enum import StrEnum
from typing import Annotated, Any

import typer
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, Message, TopicPartition

from cli.context import KAFKA_ONLY, Data, command_at, console, reachable_settings
from runtime.errors import FixableError
from runtime.kafka import FIRST_CONTACT_S, NO_TOPIC, TIMEOUT_S, bounds, partition_count, reader_options, why_unread
from runtime.times import micros_of
from schemas.codec import NotDecodable, decode_command, decode_event, digest_of
from schemas.plain_data import as_builtins
from schemas.sharding import shard_of
from schemas.topics import COMMANDS, EVENTS, TICKS


class LogTopic(StrEnum):
    """What can be followed."""

    EVENTS = "events"
    COMMANDS = "commands"
    TICKS = "ticks"


TOPIC_OF = {LogTopic.EVENTS: EVENTS, LogTopic.COMMANDS: COMMANDS, LogTopic.TICKS: TICKS}
Topic = Annotated[LogTopic, typer.Argument(help="events, commands or ticks.")]
From = Annotated[
    str,
    typer.Option(
        "--from", help="beginning, end, an offset in each partition, or a time like 2026-01-31T12:00:00Z, in UTC."
    ),
]
Account = Annotated[str | None, typer.Option(help="Only what concerns this account.")]
Once = Annotated[bool, typer.Option("--once", help="Stop at the end of the log instead of waiting for more.")]


def add_to(app: typer.Typer) -> None:
    app.command()(topics)
    app.command()(tail)


def topics(data: Data = None) -> None:
    """Make the topics, or bring them to their settings; changes nothing the second time."""
    from runtime.topics import ensure_topics  # noqa: PLC0415

    out = console()
    for name, partitions, outcome in ensure_topics(reachable_settings(data, KAFKA_ONLY)):
        out.print(f"{name:<26} {partitions:>3} partitions  {outcome}")


def tail(what: Topic, start: From = "end", account: Account = None, once: Once = False, data: Data = None) -> None:
    """Follow what is committed, one JSON object a line."""
    settings = reachable_settings(data, KAFKA_ONLY)
    topic = TOPIC_OF[what]
    consumer = Consumer(reader_options(settings, "reprise-tail"))
    try:
        numbers = list(range(partition_count(consumer, topic, FIRST_CONTACT_S)))
        if account is not None and what is not LogTopic.TICKS:
            numbers = [shard_of(account, len(numbers))]
        partitions = [TopicPartition(topic, number) for number in numbers]
        first = int(start) if start.isdecimal() else 0
        if start.isdecimal():
            consumer.assign(_starts_at(consumer, partitions, first))
        else:
            consumer.assign(_starts(consumer, partitions, start))
        running = set(numbers)
        while running or not once:
            message = consumer.poll(0.5)
            if message is None:
                continue
            if _is_end(message):
                running.discard(message.partition() or 0)
            elif (message.offset() or 0) >= first:
                _print(what, message, account)
    except KafkaException as error:
        is_missing = error.args[0].code() in NO_TOPIC
        advice = (
            f"{command_at(data, 'topics')} makes it" if is_missing else f"{command_at(data, 'status')} shows what runs"
        )
        raise FixableError(f"{topic} cannot be read: {why_unread(error, settings.kafka_brokers)}. {advice}.") from error
    finally:
        consumer.close()


def _starts_at(consumer: Consumer, partitions: list[TopicPartition], offset: int) -> list[TopicPartition]:
    """Begin at an offset; where a partition ends before it, at its end: a broker begins at the first record there."""
    starts = []
    for part in partitions:
        end = bounds(consumer, part.topic, part.partition)[1]
        if offset > end:
            sys.stderr.write(f"{part.topic}/{part.partition} ends at {end}, before --from {offset}.\n")
        starts.append(TopicPartition(part.topic, part.partition, min(offset, end)))
    return starts


def _starts(consumer: Consumer, partitions: list[TopicPartition], start: str) -> list[TopicPartition]:
    if start in {"beginning", "end"}:
        offset = OFFSET_BEGINNING if start == "beginning" else OFFSET_END
    else:
        try:
            time_ms = micros_of(start) // 1_000
        except ValueError:
            raise FixableError(f"--from is beginning, end, an offset or a time, not {start!r}.") from None
        requested = [TopicPartition(part.topic, part.partition, time_ms) for part in partitions]
        return consumer.offsets_for_times(requested, timeout=TIMEOUT_S)
    return [TopicPartition(part.topic, part.partition, offset) for part in partitions]


def _is_end(message: Message) -> bool:
    """Whether it is the mark of a partition's end instead of a record."""
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001  # Its public name here.
        raise KafkaException(error)
    return error is not None


def _print(what: LogTopic, message: Message, account: str | None) -> None:
    position = {"partition": message.partition(), "offset": message.offset(), "time_ms": message.timestamp()[1]}
    content = _decoded(what, message.value())
    if account is None or content.get("account_id") == account:
        sys.stdout.write(json.dumps(position | content) + "\n")
        sys.stdout.flush()


def _decoded(what: LogTopic, value: bytes | None) -> dict[str, Any]:
    try:
        match what:
            case LogTopic.TICKS:
                decoded: dict[str, Any] = json.loads(value or b"null")
                return decoded
            case LogTopic.COMMANDS:
                command = decode_command(value)
                return {"type": type(command).__name__, **as_builtins(command)}
            case LogTopic.EVENTS:
                event = decode_event(value)
                return {
                    "type": type(event).__name__,
                    **as_builtins(event),
                    "digest": digest_of(value or b"").hex(),
                }
    except (NotDecodable, ValueError) as error:
        return {"not_decodable": str(error), "bytes": (value or b"").hex()}
