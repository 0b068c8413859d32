"""Sixteen bytes that two ledgers share just when they are the same ledger."""

from hashlib import blake2b
from typing import Final

from msgspec.structs import astuple

from engine.core.records import Account, Candidate, Market, Quote
from engine.core.state import State
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
    digest.update(encode(head))
    for symbol in sorted(state.markets):
        market = state.markets[symbol]
        digest.update(encode(_first_market(market) if first else market))
    for account_id in sorted(state.accounts):
        account = state.accounts[account_id]
        digest.update(encode(_first_fields(account, ACCOUNT_FIELDS) if first else account))
    for command_id in sorted(state.broadcasts):
        digest.update(encode((command_id, state.broadcasts[command_id])))
    return digest.digest()


def _first_market(market: Market) -> tuple[object, ...]:
    symbol, status, quote, candidate, *others = _first_fields(market, MARKET_FIELDS)
    assert (quote, candidate) == (market.quote, market.candidate), "the fields have kept their places"
    quote = None if market.quote is None else _first_fields(market.quote, QUOTE_FIELDS)
    candidate = None if market.candidate is None else _first_fields(market.candidate, CANDIDATE_FIELDS)
    return (symbol, status, quote, candidate, *others)


def _first_fields(record: Account | Market | Quote | Candidate, count: int) -> tuple[object, ...]:
    return astuple(record)[:count]
