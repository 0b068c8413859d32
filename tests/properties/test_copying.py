"""A copy taken while the ledger goes on is the ledger as it was, and goes on as the ledger did."""

from base64 import b64decode
from random import Random

import msgspec
import pytest

from engine.core.fingerprint import state_digest
from engine.core.laws import broken
from engine.core.state import State, genesis
from engine.core.step import step
from engine.snapshot import copy_on_write
from engine.snapshot.copy_on_write import begin_copy, end_copy
from engine.snapshot.format import FORMAT, restore
from schemas.codec import PREFIX_SIZE, command_in, digest_of, encode_and_chain
from schemas.snapshots import SnapshotUnreadable
from tests.golden.test_recorded_log import FOLDER, LINES, recorded, recorded_under_version_2
from tests.golden.test_recorded_log import VERSION_2 as VERSION_2_LINES

Log = list[tuple[int, bytes]]


def log_of(lines: list[str]) -> Log:
    """Read a recorded log."""
    return [(int(time), b64decode(value)) for time, value in (line.split() for line in lines)]


LOG = log_of(LINES)
PARTS = log_of((FOLDER / "parts-commands.txt").read_text().splitlines())
VERSION_2 = log_of(VERSION_2_LINES)


def go_on(state: State, until: int, log: Log = LOG) -> None:
    """Execute the recorded log from where the ledger is."""
    while state.next_offset < until:
        time, value = log[state.next_offset]
        step(state, command_in(value, state.rules_version), offset=state.next_offset, time=time)


def ledger_at(offset: int, log: Log = LOG) -> State:
    """Give the recorded log's ledger before this offset."""
    state = genesis(0, 1)
    go_on(state, offset, log)
    return state


def copy_of(state: State) -> list[bytes]:
    """Copy a ledger that does not change."""
    copy = begin_copy(state)
    pages = list(iter(copy.next_page, None))
    end_copy(state)
    return pages


@pytest.mark.parametrize("log", [LOG, PARTS, VERSION_2], ids=["any day", "a day of parts", "a day of version 2"])
@pytest.mark.parametrize("seed", range(12))
def test_a_copy_is_the_ledger_at_the_command_of_its_beginning(
    seed: int, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of one account each, and any number of commands between two of them."""
    monkeypatch.setattr(copy_on_write, "PAGE_BYTES", 1)
    dice = Random(seed)
    offset = dice.randrange(10, len(log))
    state = ledger_at(offset, log)
    as_it_was = state_digest(state)
    copy, pages = begin_copy(state), []
    while (page := copy.next_page()) is not None:
        pages.append(page)
        go_on(state, min(len(log), state.next_offset + dice.randrange(60)), log)
    end_copy(state)
    restored = restore(pages)
    assert state_digest(restored) == as_it_was
    assert broken(restored) == []
    assert restored.next_offset == offset


@pytest.mark.parametrize("log", [LOG, VERSION_2], ids=["any day", "a day of version 2"])
@pytest.mark.parametrize("seed", range(5))
def test_a_restored_ledger_gives_the_rest_of_the_events_byte_for_byte(seed: int, log: Log) -> None:
    expected = recorded() if log is LOG else recorded_under_version_2()
    state = restore(copy_of(ledger_at(Random(seed).randrange(10, len(log)), log)))
    first = state.seq
    values, digest = [], digest_of(expected.values[first - 1])
    while state.next_offset < len(log):
        time, value = log[state.next_offset]
        rules = state.rules_version
        for event in step(state, command_in(value, rules), offset=state.next_offset, time=time):
            encoded, digest = encode_and_chain(event, digest, rules)
            values.append(encoded)
    assert values == expected.values[first:]
    assert state_digest(state) == state_digest(expected.state)


def test_a_copy_has_no_account_opened_after_its_beginning() -> None:
    state = ledger_at(3)
    copy = begin_copy(state)
    go_on(state, 5)
    pages = list(iter(copy.next_page, None))
    assert len(state.accounts) > len(restore(pages).accounts)


def test_a_ledger_without_accounts_is_one_page() -> None:
    restored = restore(copy_of(genesis(2, 4)))
    assert state_digest(restored) == state_digest(genesis(2, 4))


def test_a_restored_ledger_has_its_derived_indexes() -> None:
    state = ledger_at(len(LOG) // 2)
    restored = restore(copy_of(state))
    assert restored.positions == state.positions
    assert all(
        restored.accounts[position.account_id].positions[position.position_id] is position
        for position in restored.positions.values()
    )
    assert {symbol: len(index) for symbol, index in restored.triggers.by_symbol.items()} == {
        symbol: len(index) for symbol, index in state.triggers.by_symbol.items()
    }


@pytest.mark.parametrize("missing", [0, 1, 2, -1])
def test_an_incomplete_set_of_pages_is_refused(missing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_on_write, "PAGE_BYTES", 1)
    pages = copy_of(ledger_at(300))
    del pages[missing]
    with pytest.raises(SnapshotUnreadable):
        restore(pages)


@pytest.mark.parametrize("pages", [[], [b""], [b"\x90"], [b"\xc1"], [b"\x92\x01\x02"]])
def test_bytes_that_are_no_page_are_refused(pages: list[bytes]) -> None:
    with pytest.raises(SnapshotUnreadable):
        restore(pages)


def test_a_snapshot_of_a_later_format_is_refused_by_name() -> None:
    head, *accounts = copy_of(ledger_at(300))
    later = bytes(byte ^ 1 for byte in head[2:PREFIX_SIZE])
    with pytest.raises(SnapshotUnreadable, match=f"schema with fingerprint {later.hex()}"):
        restore([head[:2] + later + head[PREFIX_SIZE:], *accounts])


def test_a_page_of_message_pack_of_a_later_format_is_refused_by_name() -> None:
    head, *accounts = [b64decode(line) for line in (FOLDER / "snapshot-1.txt").read_text().splitlines()]
    values = msgspec.msgpack.decode(head)
    values[0] = FORMAT
    with pytest.raises(SnapshotUnreadable, match=f"its format is {FORMAT}"):
        restore([msgspec.msgpack.encode(values), *accounts])


def test_a_snapshot_written_by_an_older_version_is_restored_and_continues_to_the_recorded_ledger() -> None:
    """`snapshot-1.txt` has the recorded log's ledger before its 350th command, in format 1; it never changes.

    It is older than the field that says which rules are in force: there was one version when it was written.
    """
    lines = (FOLDER / "snapshot-1.txt").read_text().splitlines()
    state = restore(b64decode(line) for line in lines)
    assert state.rules_version == 1
    assert state_digest(state) == state_digest(ledger_at(350))
    go_on(state, len(LOG))
    assert state_digest(state) == state_digest(recorded().state)


def test_a_second_copy_at_a_time_is_refused() -> None:
    state = ledger_at(5)
    begin_copy(state)
    with pytest.raises(AssertionError, match="once at a time"):
        begin_copy(state)


def test_a_snapshot_of_version_2_is_restored_and_continues_to_the_recorded_ledger() -> None:
    """`version-2-snapshot.txt` has that log's ledger before its 350th command; it never changes."""
    lines = (FOLDER / "version-2-snapshot.txt").read_text().splitlines()
    state = restore(b64decode(line) for line in lines)
    assert state.rules_version == 2
    assert state.remembered
    assert state_digest(state) == state_digest(ledger_at(350, VERSION_2))
    go_on(state, len(VERSION_2), VERSION_2)
    assert state_digest(state) == state_digest(recorded_under_version_2().state)
