"""A file of instruments: how it is read, each mistake in a line, and how what it says comes into the log.

Its members are those of `POST admin/instruments` and `PATCH admin/instruments/{symbol}`. Numbers keep their digits.
"""

import difflib
import json
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import Connection

from api.admin.changes import new_instrument
from api.admin.schemas import InstrumentRequest, ParametersRequest
from api.http.numbers import Digits
from api.http.problems import ApiError
from api.http.sentences import sentence_of
from api.log.broadcasts import is_begun, store_instruments, waiting_shards
from api.store.database import Database
from projector.queries import instruments as projected_instruments
from runtime.errors import FixableError, Mistakes
from schemas.messages import Instrument

LIST: Final = "instruments"
OF_NEW: Final = frozenset(InstrumentRequest.model_fields)
KNOWN: Final = OF_NEW | frozenset(ParametersRequest.model_fields)
WITHIN_S: Final = 60.0
PAUSE_S: Final = 0.2


def read_instruments(file: Path) -> tuple[Instrument, ...]:
    """Read a file of instruments; Mistakes has a line for each that is wrong."""
    found: dict[str, Instrument] = {}
    mistakes: dict[str, str] = {}
    for number, entry in enumerate(_entries(file), 1):
        place = f"{file}, instrument {number}"
        try:
            instrument = _instrument_of(entry)
        except _EntryWrong as wrong:
            mistakes |= {f"{number}.{field}": f"{place}: {field}: {why}" for field, why in wrong.faults}
            continue
        if instrument.symbol in found:
            mistakes[f"{number}.symbol"] = f"{place}: symbol: {instrument.symbol} stands in the file before"
        found[instrument.symbol] = instrument
    if mistakes:
        raise Mistakes(mistakes)
    return tuple(found.values())


def define_instruments(
    database_url: str, shards: int, instruments: tuple[Instrument, ...], report: Callable[[str], None]
) -> None:
    """Let every shard have these instruments: what is new or changed is stored, and the API sends it to the log.

    FixableError where one has other units than in the ledger, or where shards do not answer in time.
    """
    database = Database(database_url)
    try:
        _wait(lambda: database.ask_now(is_begun), "The API has not begun the ledger")
        database.ask_now(lambda db: _refuse_other_units(db, instruments))
        names = database.ask_in_transaction_now(lambda db: store_instruments(db, instruments))
        if not names:
            report(f"The ledger has the {len(instruments)} instruments of the file as they are there.")
            return
        _wait(
            lambda: not database.ask_now(lambda db: waiting_shards(db, names, shards)),
            f"Not every shard has answered to {', '.join(names)}; the API sends it again until they have",
        )
        report(f"Instruments are defined in every shard: {', '.join(names)}.")
    finally:
        database.close()


class _EntryWrong(Exception):
    """What is wrong with one instrument: fields, and why."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__(faults)
        self.faults = faults


def _entries(file: Path) -> list[dict[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8")
        content = (
            json.loads(text, parse_float=Digits, parse_int=Digits)
            if file.suffix.lower() == ".json"
            else tomllib.loads(text, parse_float=Digits)
        )
    except OSError as error:
        raise FixableError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise FixableError(f"{file} is neither TOML nor JSON (.json) in UTF-8: {error}.") from None
    entries = content.get(LIST) if isinstance(content, dict) and content.keys() == {LIST} else None
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise FixableError(f"{file} has to hold `{LIST}`, a list of tables like [[{LIST}]], and nothing else.")
    return entries


def _instrument_of(entry: dict[str, Any]) -> Instrument:
    """Read one instrument; _EntryWrong names every field that is wrong."""
    of_new = {name: value for name, value in entry.items() if name in OF_NEW}
    others = {name: value for name, value in entry.items() if name not in OF_NEW}
    faults: list[tuple[str, str]] = []
    request, parameters = None, None
    try:
        request = InstrumentRequest.model_validate(of_new)
    except ValidationError as error:
        faults += _faults(error)
    try:
        parameters = ParametersRequest.model_validate(others) if others else None
    except ValidationError as error:
        faults += _faults(error)
    if faults or request is None:
        raise _EntryWrong(faults)
    try:
        return new_instrument(request, parameters)
    except ApiError as error:
        raise _EntryWrong([(fault.pointer.strip("/"), fault.message) for fault in error.faults or ()]) from None


def _faults(error: ValidationError) -> list[tuple[str, str]]:
    return [(".".join(map(str, fault["loc"])), _sentence(fault)) for fault in error.errors()]


def _sentence(fault: Any) -> str:
    if fault["type"] != "extra_forbidden":
        return sentence_of(fault)[0]
    close = difflib.get_close_matches(str(fault["loc"][-1]), sorted(KNOWN), n=1)
    return f"is no parameter of an instrument{f'; is {close[0]} meant?' if close else ''}"


def _refuse_other_units(db: Connection, instruments: tuple[Instrument, ...]) -> None:
    known = {row.instrument.symbol: row.instrument for row in projected_instruments(db)}
    changed = {
        instrument.symbol: f"{instrument.symbol} has other decimal places in the ledger, and keeps them"
        for instrument in instruments
        if instrument.symbol in known and _units(known[instrument.symbol]) != _units(instrument)
    }
    if changed:
        raise Mistakes(changed)


def _units(instrument: Instrument) -> tuple[int, int, int]:
    return instrument.tick_exponent, instrument.lot_exponent, instrument.tick_value


def _wait(is_so: Callable[[], bool], otherwise: str) -> None:
    give_up = time.monotonic() + WITHIN_S
    while not is_so():
        if time.monotonic() > give_up:
            raise FixableError(f"{otherwise}.")
        time.sleep(PAUSE_S)
