"""How the tables' columns are written and their constraints named, and in which schema all of it is.

Integers are the ledger's own units: money in micros, prices in ticks, quantities in lots, rates in ppm, leverage in
hundredths, times in microseconds UTC. The venue's amounts are its decimals.
"""

from decimal import Decimal
from typing import Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, Numeric, Text

SCHEMA: Final = "ledger"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    },
)


def number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def number_or_null(name: str) -> Column[int | None]:
    return Column(name, BigInteger, nullable=True)


def word(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def word_or_null(name: str) -> Column[str | None]:
    return Column(name, Text, nullable=True)


def decimal(name: str) -> Column[Decimal]:
    return Column(name, Numeric, nullable=False)


def decimal_or_null(name: str) -> Column[Decimal | None]:
    return Column(name, Numeric, nullable=True)


def shard() -> Column[int]:
    return Column("shard", Integer, nullable=False)
