"""Sixteen bytes that two ledgers share just when they are the same ledger."""

from hashlib import blake2b

import msgspec

from engine.core.state import State


def state_digest(state: State) -> bytes:
    """Digest the whole state, over records sorted by key; what is derived (the trigger index) stays out."""
    encoder = msgspec.msgpack.Encoder()
    digest = blake2b(digest_size=16)
    head = (
        (state.shard, state.shards, state.seq, state.time, state.next_offset, state.next_position),
        (state.house, state.fees, state.insurance, state.external),
        (state.feed, state.clock_suspect, state.rules_version),
        list(state.instruments.values()),
    )
    digest.update(encoder.encode(head))
    for symbol in sorted(state.markets):
        digest.update(encoder.encode(state.markets[symbol]))
    for account_id in sorted(state.accounts):
        digest.update(encoder.encode(state.accounts[account_id]))
    for command_id in sorted(state.broadcasts):
        digest.update(encoder.encode((command_id, state.broadcasts[command_id])))
    return digest.digest()
