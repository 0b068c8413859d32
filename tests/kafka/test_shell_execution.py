"""Commands in, committed events out: in order, chained, and the same however often the worker starts."""

from pathlib import Path

from bench._workload import accounts_of, opening_day, trading_day
from runtime.settings import Settings
from schemas.codec import decode_event, digest_of, encode_command, expected_digest, first_digest
from schemas.commands import Deposit
from schemas.events import CommandRejected, Deposited
from schemas.rejections import Rejection
from schemas.units import MICROS_PER_USDC
from tests.kafka.workers import Client, clock, commands_in, engine, events_in, events_when, executed_in_process

SHARD = 1
# Events of `opening_day` besides one per account: of its four commands, the first prices hold three ticks.
OPENING = 7


def test_commands_become_committed_events_in_order_with_chained_digests(
    ledger: Settings, client: Client, output: Path
) -> None:
    accounts = accounts_of(SHARD, ledger.shards, 3)
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        client.append(SHARD, opening_day(SHARD, accounts, clock))
        client.append(SHARD, trading_day(SHARD, accounts, 300, clock))
        records = events_when(ledger, SHARD, OPENING + 3 + 300)
    digest = first_digest(SHARD)
    for seq, record in enumerate(records, start=1):
        event = decode_event(record.value)
        digest = expected_digest(record.value, digest)
        assert digest_of(record.value) == digest
        assert event.seq == seq
        assert record.key == (None if event.account_id is None else event.account_id.encode())
    commands = commands_in(ledger, SHARD)
    assert [record.value for record in records] == executed_in_process(SHARD, ledger.shards, commands)


def test_all_shards_are_executed_concurrently(ledger: Settings, client: Client, output: Path) -> None:
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        for shard in range(ledger.shards):
            accounts = accounts_of(shard, ledger.shards, 2)
            client.append(shard, opening_day(shard, accounts, clock))
            client.append(shard, trading_day(shard, accounts, 500, clock))
        for shard in range(ledger.shards):
            values = [record.value for record in events_when(ledger, shard, OPENING + 2 + 500)]
            assert values == executed_in_process(shard, ledger.shards, commands_in(ledger, shard))


def test_a_restart_replays_without_emitting_and_continues(ledger: Settings, client: Client, output: Path) -> None:
    accounts = accounts_of(SHARD, ledger.shards, 5)
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        client.append(SHARD, opening_day(SHARD, accounts, clock))
        client.append(SHARD, trading_day(SHARD, accounts, 1_000, clock))
        before = events_when(ledger, SHARD, OPENING + 5 + 1_000)
        assert worker.stop() == 0, worker.log
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        shard = worker.shards()[SHARD]
        assert (shard["seq"], shard["watermark"], shard["next_offset"]) == (1_012, 1_012, 1_009)
        assert events_in(ledger, SHARD) == before
        client.append(SHARD, [Deposit(command_id="after", account_id=accounts[0], amount=MICROS_PER_USDC)])
        after = events_when(ledger, SHARD, 1_013)
    assert after[:-1] == before
    assert isinstance(decode_event(after[-1].value), Deposited)
    assert [record.value for record in after] == executed_in_process(SHARD, ledger.shards, commands_in(ledger, SHARD))


def test_uncommitted_outputs_are_emitted_after_a_restart(ledger: Settings, client: Client, output: Path) -> None:
    accounts = accounts_of(SHARD, ledger.shards, 2)
    client.append(SHARD, opening_day(SHARD, accounts, clock))
    client.append(SHARD, trading_day(SHARD, accounts, 200, clock))
    with engine(ledger, output):
        values = [record.value for record in events_when(ledger, SHARD, OPENING + 2 + 200)]
    assert values == executed_in_process(SHARD, ledger.shards, commands_in(ledger, SHARD))


def test_bytes_that_are_no_command_are_rejected_and_the_shard_goes_on(
    ledger: Settings, client: Client, output: Path
) -> None:
    (account,) = accounts_of(SHARD, ledger.shards, 1)
    whole = encode_command(Deposit(command_id="whole", account_id=account, amount=MICROS_PER_USDC))
    no_commands = [b"", b"{}", b"\xc3\x01", whole[:-1], whole + b"\0", whole[:10] + b"\xff" * 40, bytes(1000)]
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        client.append(SHARD, opening_day(SHARD, [account], clock))
        client.append(SHARD, no_commands)
        client.append(SHARD, [whole])
        events = [
            decode_event(record.value) for record in events_when(ledger, SHARD, OPENING + 1 + len(no_commands) + 1)
        ]
    for event in events[OPENING + 1 : -1]:
        assert isinstance(event, CommandRejected)
        assert event.rejection == Rejection.NOT_DECODABLE
    assert isinstance(events[-1], Deposited)


def test_a_stop_commits_the_events_of_every_executed_command(ledger: Settings, client: Client, output: Path) -> None:
    accounts = accounts_of(SHARD, ledger.shards, 50)
    client.append(SHARD, opening_day(SHARD, accounts, clock))
    client.append(SHARD, trading_day(SHARD, accounts, 20_000, clock))
    with engine(ledger, output) as worker:
        worker.until(lambda shards: shards.get(SHARD, {}).get("seq", 0) > 0, "it executes")
        assert worker.stop() == 0, worker.log
    values = [record.value for record in events_in(ledger, SHARD)]
    expected = executed_in_process(SHARD, ledger.shards, commands_in(ledger, SHARD))
    assert 0 < len(values) < len(expected), "the stop came in the middle"
    assert values == expected[: len(values)]
