"""A change of rules on a real broker: older code stops before it with the reason, and newer code goes on."""

from pathlib import Path
from typing import Any

import pytest

from audit.log.cluster import open_cluster
from audit.verify.verify import VerifyRequest, verify
from bench._workload import accounts_of, opening_day, prices
from runtime.settings import Settings
from runtime.snapshots import manifests
from schemas.avro_files import released_schemas
from schemas.codec import MARKER
from schemas.commands import Command, Deposit, OpenPosition
from schemas.events import PositionClosed, RulesActivated
from schemas.generator.names import prefix_of
from schemas.manifest import SnapshotManifest
from tests.activating import NEWEST, activate, older_program
from tests.conftest import SettingsFactory
from tests.kafka.workers import (
    Client,
    EngineProcess,
    clock,
    commands_in,
    engine,
    events_in,
    events_when,
    until_group_is_empty,
)
from tests.processes import eventually
from tests.replaying import execute_records

SHARDS = 2
OLDER = older_program("engine.shell.main")
STOP_LOSS = {"before": 595_000, "after": 587_000}


def day(shard: int, shards: int) -> list[Command]:
    """A stop that a gap carries past the liquidation price, the change of rules, and another such stop."""
    (account,) = accounts_of(shard, shards, 1)

    def opening(name: str) -> OpenPosition:
        return OpenPosition(
            command_id=name,
            account_id=account,
            symbol="BTC_USDC",
            side="long",
            margin=100_000_000,
            leverage=5_000,
            stop_loss=STOP_LOSS[name],
        )

    return [
        *opening_day(shard, [account], clock),
        opening("before"),
        prices(3, -175, clock),
        activate(shard=shard),
        opening("after"),
        prices(4, -340, clock),
    ]


def until(worker: EngineProcess, phase: str) -> dict[int, dict[str, Any]]:
    return worker.until(
        lambda shards: (
            len(shards) == worker.settings.shards and all(shard["state"] == phase for shard in shards.values())
        ),
        f"all shards are {phase}",
    )


def values(ledger: Settings, shard: int) -> list[bytes]:
    return [record.value for record in events_in(ledger, shard)]


def deposit(shard: int, shards: int, name: str) -> Deposit:
    (account,) = accounts_of(shard, shards, 1)
    return Deposit(command_id=name, account_id=account, amount=1)


def test_older_code_stops_before_a_change_of_rules_and_newer_code_continues(
    settings: SettingsFactory, output: Path
) -> None:
    ledger = settings(engine_worker_id=None, engine_snapshot_interval=200, shards=SHARDS)
    until_group_is_empty(ledger)
    client = Client(ledger)
    for shard in range(SHARDS):
        client.append(shard, day(shard, SHARDS))
    expected = [execute_records(shard, SHARDS, commands_in(ledger, shard)) for shard in range(SHARDS)]
    at = next(event.command_offset for event in expected[0].events if isinstance(event, RulesActivated))
    before = sum(event.command_offset < at for event in expected[0].events)

    with engine(ledger, output, OLDER) as older:
        for frozen in until(older, "frozen").values():
            assert (frozen["next_offset"], frozen["rules_version"]) == (at, 1)
            assert f"offset {at}: rules version 2 begins here" in frozen["error"]
            assert "has up to 1: start a newer one, which goes on from here" in frozen["error"]
        for shard in range(SHARDS):
            events_when(ledger, shard, before)
            assert values(ledger, shard) == expected[shard].values[:before]
        assert older.page("/readyz")[0] == 503
        assert older.stop() == 0

    with engine(ledger, output) as newer:
        assert {shard["rules_version"] for shard in until(newer, "live").values()} == {2}
        for shard in range(SHARDS):
            events_when(ledger, shard, len(expected[shard].values))
            assert values(ledger, shard) == expected[shard].values
        eventually(lambda: newest_of(ledger), lambda found: {manifest.rules_version for manifest in found} == {2})
        client.append(0, [deposit(0, SHARDS, "later")])
        events_when(ledger, 0, len(expected[0].values) + 1)
        assert newer.stop() == 0

    closings = [event for event in expected[0].events if isinstance(event, PositionClosed)]
    assert [(event.reason, event.liquidation_fee > 0) for event in closings] == [
        ("stop_loss", True),
        ("stop_loss", False),
    ], "LIQ-05, then LIQ-08"
    with engine(ledger, output) as newer:
        until(newer, "live")
        client.append(0, [deposit(0, SHARDS, "last")])
        events_when(ledger, 0, len(expected[0].values) + 2)
        assert newer.stop() == 0
    live = open_cluster(ledger)
    verdict = verify(live, VerifyRequest(live.held, processes=1))
    assert verdict.differences == []
    assert verify(live, VerifyRequest(live.held, start="snapshot", processes=1)).differences == []


def newest_of(ledger: Settings) -> list[SnapshotManifest]:
    """The newest snapshot of each shard that has one."""
    found = (next(manifests(ledger, shard, lambda _offset, _why: None), None) for shard in range(SHARDS))
    return [each.manifest for each in found if each is not None]


@pytest.mark.slow
def test_older_code_passes_over_newer_code_s_snapshots_and_stops_at_the_change_of_rules(
    settings: SettingsFactory, output: Path
) -> None:
    ledger = settings(engine_worker_id=None, shards=SHARDS)
    until_group_is_empty(ledger)
    client = Client(ledger)
    for shard in range(SHARDS):
        client.append(shard, day(shard, SHARDS))
    with engine(ledger, output) as newer:
        until(newer, "live")
        assert newer.stop() == 0
    with engine(ledger, output, OLDER) as older:
        frozen = until(older, "frozen")
        assert {shard["next_offset"] for shard in frozen.values()} == {len(day(0, SHARDS)) - 3}
        why = {line["why"] for line in older.logged("snapshot passed over")}
        # That manifest names the instruments, by a schema that code without version 2 was not released with.
        fingerprint = prefix_of(released_schemas(SnapshotManifest.__name__)[NEWEST])[len(MARKER) :].hex()
        assert why == {f"its manifest has a schema of another version, fingerprint {fingerprint}"}
        assert older.stop() == 0


@pytest.mark.slow
def test_a_shard_that_has_not_activated_yet_is_under_way_and_no_difference(
    settings: SettingsFactory, output: Path
) -> None:
    """On a live cluster in the middle of the broadcast nothing is wrong yet."""
    ledger = settings(engine_worker_id=None, shards=SHARDS)
    until_group_is_empty(ledger)
    client = Client(ledger)
    client.append(0, [deposit(0, SHARDS, "first"), activate(shard=0)])
    client.append(1, [deposit(1, SHARDS, "first")])
    with engine(ledger, output) as newer:
        until(newer, "live")
        for shard, count in ((0, 2), (1, 1)):
            events_when(ledger, shard, count)
        log = open_cluster(ledger)
        verdict = verify(log, VerifyRequest(log.held, processes=1))
        assert verdict.agrees
        assert verdict.under_way == [
            "Under way: broadcast rules-2, which differs in shard 1 from shard 0 until now.",
            "Under way: rules version, which differs in shard 1 from shard 0 until now.",
        ]
        client.append(1, [activate(shard=1)])
        events_when(ledger, 1, 2)
        log = open_cluster(ledger)
        assert verify(log, VerifyRequest(log.held, processes=1)).under_way == []
        assert newer.stop() == 0
