"""What is said about orders at an outside venue: records of `venue.commands` and `venue.events`.

Amounts are decimal digits as text, as the venue has them; times are microseconds UTC. An event says all there is to its
order, so that who reads one needs no other.

Made from `schemas/avro` by `./reprise documents`: change the Avro files.
Longer than 300 lines because each message stands beside the others.
"""

from typing import ClassVar, Final, Literal

from schemas.record import Record

VenueSide = Literal["buy", "sell"]


class VenueOrder(Record):
    """An order as it was asked for."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        "order_id",
        "symbol",
        "side",
        "type",
        "quantity",
        "price",
        "stop_price",
        "time_in_force",
    )
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        order_id: str,
        symbol: str,
        side: VenueSide,
        type: str,
        quantity: str,
        price: str | None,
        stop_price: str | None,
        time_in_force: str | None,
    ) -> None:
        self.order_id: Final = order_id
        self.symbol: Final = symbol
        self.side: Final = side
        self.type: Final = type
        self.quantity: Final = quantity
        self.price: Final = price
        self.stop_price: Final = stop_price
        self.time_in_force: Final = time_in_force


class VenueTrade(Record):
    """One execution of an order, as the venue numbers it within the symbol."""

    FIELDS: ClassVar[tuple[str, ...]] = ("trade_id", "time", "price", "quantity", "commission", "commission_asset")
    __slots__ = FIELDS

    def __init__(
        self, *, trade_id: int, time: int, price: str, quantity: str, commission: str, commission_asset: str
    ) -> None:
        self.trade_id: Final = trade_id
        self.time: Final = time
        self.price: Final = price
        self.quantity: Final = quantity
        self.commission: Final = commission
        self.commission_asset: Final = commission_asset


class PlaceVenueOrder(Record):
    """Place an order at the venue. Not sent by the deadline, it is rejected."""

    FIELDS: ClassVar[tuple[str, ...]] = ("command_id", "account_id", "deadline", "order")
    __slots__ = FIELDS

    def __init__(self, *, command_id: str, account_id: str, deadline: int, order: VenueOrder) -> None:
        self.command_id: Final = command_id
        self.account_id: Final = account_id
        self.deadline: Final = deadline
        self.order: Final = order


class CancelVenueOrder(Record):
    """Cancel what is left of an order."""

    FIELDS: ClassVar[tuple[str, ...]] = ("command_id", "account_id", "deadline", "order_id")
    __slots__ = FIELDS

    def __init__(self, *, command_id: str, account_id: str, deadline: int, order_id: str) -> None:
        self.command_id: Final = command_id
        self.account_id: Final = account_id
        self.deadline: Final = deadline
        self.order_id: Final = order_id


class VenueEventHeader(Record):
    """seq: gap-free per partition. command_offset: of the command that is taken up with it, else null."""

    FIELDS: ClassVar[tuple[str, ...]] = ("seq", "command_offset", "account_id", "time")
    __slots__ = FIELDS

    def __init__(self, *, seq: int, command_offset: int | None, account_id: str | None, time: int) -> None:
        self.seq: Final = seq
        self.command_offset: Final = command_offset
        self.account_id: Final = account_id
        self.time: Final = time


class VenueCommandRejected(VenueEventHeader):
    """A command was refused that is about no order we know, or about one that exists already."""

    FIELDS: ClassVar[tuple[str, ...]] = ("command_id", "code", "message")
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        seq: int,
        command_offset: int | None,
        account_id: str | None,
        time: int,
        command_id: str | None,
        code: str,
        message: str,
    ) -> None:
        super().__init__(seq=seq, command_offset=command_offset, account_id=account_id, time=time)
        self.command_id: Final = command_id
        self.code: Final = code
        self.message: Final = message


class VenueReset(VenueEventHeader):
    """The venue forgot the account: of what was executed before, only these orders' trades still count."""

    FIELDS: ClassVar[tuple[str, ...]] = ("surviving_order_ids",)
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        seq: int,
        command_offset: int | None,
        account_id: str | None,
        time: int,
        surviving_order_ids: tuple[str, ...],
    ) -> None:
        super().__init__(seq=seq, command_offset=command_offset, account_id=account_id, time=time)
        self.surviving_order_ids: Final = surviving_order_ids


class VenueOrderEventHeader(VenueEventHeader):
    """Something happened to an order."""

    FIELDS: ClassVar[tuple[str, ...]] = ("order",)
    __slots__ = FIELDS

    def __init__(
        self, *, seq: int, command_offset: int | None, account_id: str | None, time: int, order: VenueOrder
    ) -> None:
        super().__init__(seq=seq, command_offset=command_offset, account_id=account_id, time=time)
        self.order: Final = order


class VenueOrderReceived(VenueOrderEventHeader):
    """The worker has the order and answers for it from here on."""

    FIELDS: ClassVar[tuple[str, ...]] = ("deadline",)
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        seq: int,
        command_offset: int | None,
        account_id: str | None,
        time: int,
        order: VenueOrder,
        deadline: int,
    ) -> None:
        super().__init__(seq=seq, command_offset=command_offset, account_id=account_id, time=time, order=order)
        self.deadline: Final = deadline


class VenueOrderSubmitted(VenueOrderEventHeader):
    """The order is about to be sent, signed for this time and window."""

    FIELDS: ClassVar[tuple[str, ...]] = ("attempt", "sent_at", "receive_window")
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        seq: int,
        command_offset: int | None,
        account_id: str | None,
        time: int,
        order: VenueOrder,
        attempt: int,
        sent_at: int,
        receive_window: int,
    ) -> None:
        super().__init__(seq=seq, command_offset=command_offset, account_id=account_id, time=time, order=order)
        self.attempt: Final = attempt
        self.sent_at: Final = sent_at
        self.receive_window: Final = receive_window


class VenueOrderUnknown(VenueOrderEventHeader):
    """It was sent, and nobody knows yet whether the venue has it."""

    FIELDS: ClassVar[tuple[str, ...]] = ("reason",)
    __slots__ = FIELDS

    def __init__(
        self, *, seq: int, command_offset: int | None, account_id: str | None, time: int, order: VenueOrder, reason: str
    ) -> None:
        super().__init__(seq=seq, command_offset=command_offset, account_id=account_id, time=time, order=order)
        self.reason: Final = reason


class VenueOrderAccepted(VenueOrderEventHeader):
    """The venue has the order."""

    FIELDS: ClassVar[tuple[str, ...]] = ("venue_order_id",)
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        seq: int,
        command_offset: int | None,
        account_id: str | None,
        time: int,
        order: VenueOrder,
        venue_order_id: int,
    ) -> None:
        super().__init__(seq=seq, command_offset=command_offset, account_id=account_id, time=time, order=order)
        self.venue_order_id: Final = venue_order_id


class VenueOrderPartiallyFilled(VenueOrderEventHeader):
    """Some was executed: these trades are new, executed_… is all so far."""

    FIELDS: ClassVar[tuple[str, ...]] = ("venue_order_id", "executed_quantity", "executed_quote", "trades")
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        seq: int,
        command_offset: int | None,
        account_id: str | None,
        time: int,
        order: VenueOrder,
        venue_order_id: int,
        executed_quantity: str,
        executed_quote: str,
        trades: tuple[VenueTrade, ...],
    ) -> None:
        super().__init__(seq=seq, command_offset=command_offset, account_id=account_id, time=time, order=order)
        self.venue_order_id: Final = venue_order_id
        self.executed_quantity: Final = executed_quantity
        self.executed_quote: Final = executed_quote
        self.trades: Final = trades


class VenueOrderFilled(VenueOrderEventHeader):
    """The rest was executed: these trades are new, executed_… is all."""

    FIELDS: ClassVar[tuple[str, ...]] = ("venue_order_id", "executed_quantity", "executed_quote", "trades")
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        seq: int,
        command_offset: int | None,
        account_id: str | None,
        time: int,
        order: VenueOrder,
        venue_order_id: int,
        executed_quantity: str,
        executed_quote: str,
        trades: tuple[VenueTrade, ...],
    ) -> None:
        super().__init__(seq=seq, command_offset=command_offset, account_id=account_id, time=time, order=order)
        self.venue_order_id: Final = venue_order_id
        self.executed_quantity: Final = executed_quantity
        self.executed_quote: Final = executed_quote
        self.trades: Final = trades


class VenueOrderCancelled(VenueOrderEventHeader):
    """What was left was cancelled."""

    FIELDS: ClassVar[tuple[str, ...]] = ("venue_order_id", "executed_quantity", "executed_quote")
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        seq: int,
        command_offset: int | None,
        account_id: str | None,
        time: int,
        order: VenueOrder,
        venue_order_id: int,
        executed_quantity: str,
        executed_quote: str,
    ) -> None:
        super().__init__(seq=seq, command_offset=command_offset, account_id=account_id, time=time, order=order)
        self.venue_order_id: Final = venue_order_id
        self.executed_quantity: Final = executed_quantity
        self.executed_quote: Final = executed_quote


class VenueOrderExpired(VenueOrderEventHeader):
    """The venue gave up what was left."""

    FIELDS: ClassVar[tuple[str, ...]] = ("venue_order_id", "executed_quantity", "executed_quote", "reason")
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        seq: int,
        command_offset: int | None,
        account_id: str | None,
        time: int,
        order: VenueOrder,
        venue_order_id: int,
        executed_quantity: str,
        executed_quote: str,
        reason: str,
    ) -> None:
        super().__init__(seq=seq, command_offset=command_offset, account_id=account_id, time=time, order=order)
        self.venue_order_id: Final = venue_order_id
        self.executed_quantity: Final = executed_quantity
        self.executed_quote: Final = executed_quote
        self.reason: Final = reason


class VenueOrderRejected(VenueOrderEventHeader):
    """Nothing was or will be executed."""

    FIELDS: ClassVar[tuple[str, ...]] = ("code", "message")
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        seq: int,
        command_offset: int | None,
        account_id: str | None,
        time: int,
        order: VenueOrder,
        code: str,
        message: str,
    ) -> None:
        super().__init__(seq=seq, command_offset=command_offset, account_id=account_id, time=time, order=order)
        self.code: Final = code
        self.message: Final = message


class VenueOrderLost(VenueOrderEventHeader):
    """The venue was reset, and the order went with it."""

    FIELDS: ClassVar[tuple[str, ...]] = ()
    __slots__ = FIELDS


class VenueOrderAbandoned(VenueOrderEventHeader):
    """Nobody could ask the venue any more, and what became of the order there is not known."""

    FIELDS: ClassVar[tuple[str, ...]] = ("code", "message")
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        seq: int,
        command_offset: int | None,
        account_id: str | None,
        time: int,
        order: VenueOrder,
        code: str,
        message: str,
    ) -> None:
        super().__init__(seq=seq, command_offset=command_offset, account_id=account_id, time=time, order=order)
        self.code: Final = code
        self.message: Final = message


class VenueCancelReceived(VenueOrderEventHeader):
    """The worker has the request to cancel."""

    FIELDS: ClassVar[tuple[str, ...]] = ()
    __slots__ = FIELDS


class VenueCancelRejected(VenueOrderEventHeader):
    """The venue did not cancel."""

    FIELDS: ClassVar[tuple[str, ...]] = ("code", "message")
    __slots__ = FIELDS

    def __init__(
        self,
        *,
        seq: int,
        command_offset: int | None,
        account_id: str | None,
        time: int,
        order: VenueOrder,
        code: str,
        message: str,
    ) -> None:
        super().__init__(seq=seq, command_offset=command_offset, account_id=account_id, time=time, order=order)
        self.code: Final = code
        self.message: Final = message


VenueCommand = PlaceVenueOrder | CancelVenueOrder

VenueOrderEvent = (
    VenueOrderReceived
    | VenueOrderSubmitted
    | VenueOrderUnknown
    | VenueOrderAccepted
    | VenueOrderPartiallyFilled
    | VenueOrderFilled
    | VenueOrderCancelled
    | VenueOrderExpired
    | VenueOrderRejected
    | VenueOrderLost
    | VenueOrderAbandoned
    | VenueCancelReceived
    | VenueCancelRejected
)

VenueEvent = VenueCommandRejected | VenueReset | VenueOrderEvent

VenueMessage = VenueCommand | VenueEvent
