"""Sixteen bytes that two ledgers share just when they are the same ledger."""

from hashlib import blake2b
from typing import Any, Final

from engine.core.state import State
from schemas.ledger_records import Market
from schemas.messages import Instrument
from schemas.record import Record, given_fields, values_of
from schemas.wide_integers import encode

# How many fields these records had when there was no other version: under version 1 a ledger keeps its digest.
MARKET_FIELDS: Final = 9
QUOTE_FIELDS: Final = 7
CANDIDATE_FIELDS: Final = 4
ACCOUNT_FIELDS: Final = 13


def state_digest(state: State) -> bytes:
    """Digest the whole state, over records sorted by key; what is derived (the trigger index) stays out."""
    digest = blake2b(digest_size=16)
    first = state.rules_version == 1
    versioned = (state.feed, state.clock_suspect, state.rules_version)
    head = (
        (state.shard, state.shards, state.seq, state.time, state.next_offset, state.next_position),
        (state.house, state.fees, state.insurance, state.external),
        versioned if first else (*versioned, state.positions_max),
        list(state.instruments.values()),
    )
    digest.update(_packed(head))
    for symbol in sorted(state.markets):
        market = state.markets[symbol]
        digest.update(_packed(_first_market(market) if first else market))
    for account_id in sorted(state.accounts):
        account = state.accounts[account_id]
        digest.update(_packed(values_of(account)[:ACCOUNT_FIELDS] if first else account))
    for command_id in sorted(state.broadcasts):
        digest.update(_packed((command_id, state.broadcasts[command_id])))
    return digest.digest()


def _packed(value: object) -> bytes:
    return encode(value, _parts)


def _parts(value: object) -> Any:
    """Give what stands for a record: an instrument's fields by name, and all others' values in their order."""
    if isinstance(value, Instrument):
        return given_fields(value)
    if isinstance(value, Record):
        return values_of(value)
    raise NotImplementedError(f"{type(value).__name__} is no part of a ledger")


def _first_market(market: Market) -> tuple[object, ...]:
    symbol, status, quote, candidate, *others = values_of(market)[:MARKET_FIELDS]
    quote = None if quote is None else values_of(quote)[:QUOTE_FIELDS]
    candidate = None if candidate is None else values_of(candidate)[:CANDIDATE_FIELDS]
    return (symbol, status, quote, candidate, *others)
