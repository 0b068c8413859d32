"""What the Avro files do not say: in which module each class stands, in which order, and what several share."""

from typing import Final, NamedTuple


class Base(NamedTuple):
    """A class that several messages begin with. fields: its own, behind those of its parent.

    whole: a message takes an object of it as its first argument, and not its fields.
    """

    name: str
    doc: str
    fields: tuple[str, ...]
    parent: str = "Record"
    whole: bool = False


class Union(NamedTuple):
    """All messages of a module, or some of it."""

    name: str
    members: tuple[str, ...]


class Module(NamedTuple):
    """A file of classes, and one of their encoders and decoders.

    added: the field that the codec writes behind the others, and no class has. defaults: a class has those of its
    schema.
    """

    name: str
    doc: str
    messages: tuple[str, ...]
    enums: tuple[str, ...] = ()
    bases: tuple[Base, ...] = ()
    unions: tuple[Union, ...] = ()
    added: str | None = None
    defaults: bool = False


USUAL_UNITS: Final = """Fields are explained in `schemas/avro`, with their units. The usual ones: money in micros,
prices in ticks, quantities in lots, rates in ppm, leverage in hundredths, times in µs UTC."""

ACCOUNT_COMMANDS: Final = (
    *("OpenAccount", "Deposit", "Withdraw", "OpenPosition", "ClosePosition", "ReducePosition", "ReduceOldest"),
    *("CloseAll", "AmendStops"),
)
OTHER_COMMANDS: Final = (
    *("DefineInstruments", "SetMarketStatus", "ActivateRules", "SetClock", "SetAccountLimits", "AcceptOffsetGap"),
    *("SelectFeed", "UpdatePrices"),
)
EVENTS: Final = (
    *("CommandRejected", "CommandRepeated", "AccountOpened", "Deposited", "Withdrawn", "PositionOpened"),
    *("StopsAmended", "PositionClosed", "PositionReduced", "OldestReduced", "AllClosed", "InstrumentsDefined"),
    *("MarketStatusSet", "RulesActivated", "ClockSet", "AccountLimitsSet", "OffsetGapAccepted", "FeedSelected"),
    *("FeedKept", "PricesUpdated", "TickHeld"),
)
VENUE_COMMANDS: Final = ("PlaceVenueOrder", "CancelVenueOrder")
VENUE_ORDER_EVENTS: Final = (
    *("VenueOrderReceived", "VenueOrderSubmitted", "VenueOrderUnknown", "VenueOrderAccepted"),
    *("VenueOrderPartiallyFilled", "VenueOrderFilled", "VenueOrderCancelled", "VenueOrderExpired"),
    *("VenueOrderRejected", "VenueOrderLost", "VenueOrderAbandoned", "VenueCancelReceived", "VenueCancelRejected"),
)
VENUE_EVENTS: Final = ("VenueCommandRejected", "VenueReset", *VENUE_ORDER_EVENTS)

MESSAGES: Final = Module(
    name="messages",
    doc="What commands and events are made of: the records inside them, and the words they use.",
    messages=("Leg", "Tick", "AliveMark", "RefusedTick", "Instrument"),
    enums=("Side", "MarketStatus", "CloseReason", "Book"),
)
MODULES: Final = (
    MESSAGES,
    Module(
        name="commands",
        doc=f"What may be asked of the exchange; each command is one record of `exchange.commands`.\n\n{USUAL_UNITS}",
        messages=(*ACCOUNT_COMMANDS, *OTHER_COMMANDS),
        bases=(
            Base(
                "ClientCommand",
                "Asked for one account, whose id is the record's key. The deadline bounds when it may be appended.",
                ("command_id", "account_id", "deadline"),
            ),
            Base(
                "Broadcast",
                "Sent once into every shard, with id uuid5(broadcast, shard).",
                ("command_id", "shard", "broadcast"),
            ),
        ),
        unions=(
            Union("AccountCommand", ACCOUNT_COMMANDS),
            Union("Command", ("AccountCommand", *OTHER_COMMANDS)),
        ),
    ),
    Module(
        name="events",
        doc=(
            f"What happened; each event is one record of `exchange.events` and holds all that changed.\n\n{USUAL_UNITS}"
        ),
        messages=EVENTS,
        bases=(
            Base(
                "EventHeader",
                "What every event carries; on the wire the digest follows as last field.",
                (
                    *("seq", "account_seq", "command_offset", "index", "command_id", "command_hash", "account_id"),
                    "time",
                ),
                whole=True,
            ),
        ),
        unions=(Union("Event", EVENTS),),
        added="digest",
    ),
    Module(
        name="venue_messages",
        doc=(
            "What is said about orders at an outside venue: records of `venue.commands` and `venue.events`.\n\n"
            "Amounts are decimal digits as text, as the venue has them; times are microseconds UTC. An event says all "
            "there is to its\norder, so that who reads one needs no other."
        ),
        enums=("VenueSide",),
        messages=("VenueOrder", "VenueTrade", *VENUE_COMMANDS, *VENUE_EVENTS),
        bases=(
            Base(
                "VenueEventHeader",
                "seq: gap-free per partition. command_offset: of the command that is taken up with it, else null.",
                ("seq", "command_offset", "account_id", "time"),
            ),
            Base("VenueOrderEventHeader", "Something happened to an order.", ("order",), parent="VenueEventHeader"),
        ),
        unions=(
            Union("VenueCommand", VENUE_COMMANDS),
            Union("VenueOrderEvent", VENUE_ORDER_EVENTS),
            Union("VenueEvent", ("VenueCommandRejected", "VenueReset", "VenueOrderEvent")),
            Union("VenueMessage", ("VenueCommand", "VenueEvent")),
        ),
    ),
    Module(
        name="ledger_records",
        doc=(
            "What a ledger consists of: accounts, open positions, markets, what was remembered; and a snapshot's pages."
            "\n\nPrices in ticks, quantities in lots, money in micros."
        ),
        messages=(
            *("Remembered", "Position", "Account", "Quote", "Candidate", "Market", "Feed"),
            *("AccountsPage", "LedgerHead"),
        ),
        defaults=True,
    ),
    Module(
        name="manifest",
        doc="What a snapshot's last record says of it.",
        messages=("SnapshotManifest",),
        added="checksum",
    ),
)
