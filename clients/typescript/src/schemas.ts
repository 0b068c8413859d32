/** What the exchange is sent and answers, as its OpenAPI document has it. `./reprise documents` writes this file. */

import type { Decimal } from "./decimals.ts";

/** Balance is cash and margins; equity adds the unrealised profit; free margin is cash. */
export interface Account {
  readonly account_id: string;
  readonly balance: Decimal;
  readonly equity: Decimal;
  readonly used_margin: Decimal;
  readonly free_margin: Decimal;
  /** equity / used margin, rounded down; null without a position */
  readonly margin_level: Decimal | null;
  readonly unrealized_pnl: Decimal;
}

/**
 * An event as the log has it. seq: the account's own, gap-free, the same as on the WebSocket. data: every field of the
 * event, in the ledger's units (money in millionths, prices in ticks, quantities in lots); bytes, as `command_hash`, in
 * hex digits.
 */
export interface AccountEvent {
  readonly event_id: string;
  readonly seq: number;
  readonly time: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A page of events, the oldest first. */
export interface AccountEvents {
  readonly items: readonly AccountEvent[];
  readonly next_cursor: string | null;
}

/** What holds for every account, whatever the instrument. */
export interface AccountLimitsRequest {
  /** open positions an account may have */
  readonly positions_max: number;
}

/** What holds for every account, whatever the instrument. */
export interface AccountRules {
  /** null: as many as there are */
  readonly open_positions_max: number | null;
  readonly deposits_of_a_day_max: Decimal;
  readonly balance_max: Decimal;
}

/**
 * An account as its event number `seq` left it: its figures, its open positions and its pending orders. account: null
 * until the account is open in the ledger.
 */
export interface AccountSnapshot {
  readonly account: Account | null;
  readonly positions: readonly Position[];
  readonly orders: readonly Order[];
}

/**
 * One event of the account, and what it made of order, position, account and ledger, in their REST shapes. event: its
 * type; code: why the command was refused. account: null in what was missed, but for its last event. What the event did
 * not change is null or empty.
 */
export interface AccountUpdate {
  readonly event_id: string;
  readonly event: string;
  readonly command_id: string | null;
  readonly code?: string | null;
  readonly order?: Order | null;
  readonly position?: Position | null;
  readonly account?: Account | null;
  readonly ledger?: readonly LedgerLine[];
}

/** How far one version is: done once no shard is waited for. */
export interface Activation {
  readonly version: number;
  readonly broadcast: string;
  /** Shards that go on by it */
  readonly answered: readonly number[];
  /** Shards that have not answered; it is sent to them again */
  readonly waiting: readonly number[];
}

/** The version to go on by: one more than the last that was asked for. */
export interface ActivationRequest {
  readonly version: number;
}

/**
 * An alert of yours; it triggers once. triggered_at: log time of the price that reached it; triggered_price: the mid
 * then, and where it went beyond and came back between two prices, the furthest.
 */
export interface Alert {
  readonly id: string;
  readonly symbol: string;
  readonly direction: "above" | "below";
  readonly price: Decimal;
  readonly note: string | null;
  readonly status: "active" | "triggered";
  readonly created_at: string;
  readonly triggered_at: string | null;
  readonly triggered_price: Decimal | null;
}

/** Tell me once when the mid gets to this price; the price must be a multiple of the instrument's tick. */
export interface AlertRequest {
  readonly symbol: string;
  /** left out: towards the price, from where the mid is */
  readonly direction?: "above" | "below" | null;
  /** decimal digits */
  readonly price: Decimal;
  readonly note?: string | null;
}

/** A page of alerts, the last made first. */
export interface Alerts {
  readonly items: readonly Alert[];
  readonly next_cursor: string | null;
}

/** The process answers. */
export interface Alive {
  readonly alive: boolean;
}

/** All instruments, in the order they were defined. */
export interface AllParameters {
  readonly items: readonly Parameters[];
  readonly next_cursor?: string | null;
}

/** Which position, and its new stops: absent keeps, null takes off. */
export interface AmendArgs {
  readonly stop_loss?: Decimal | null;
  readonly take_profit?: Decimal | null;
  readonly position_id: string;
}

/** New stops: absent keeps, null takes off. */
export interface AmendRequest {
  readonly stop_loss?: Decimal | null;
  readonly take_profit?: Decimal | null;
}

/** A key of yours; it is used until you delete it. */
export interface ApiKey {
  readonly id: string;
  readonly name: string | null;
  readonly public_key: string;
  readonly scopes: readonly ("read" | "trade")[];
  readonly created_at: string;
  /** to the minute; null while it was never used */
  readonly last_used_at: string | null;
}

/** A new key: its public half only, the other stays with whoever made it. */
export interface ApiKeyRequest {
  /** Ed25519, the 32 bytes in base64 */
  readonly public_key: string;
  /** `read` is for what changes nothing, `trade` for what trades; see docs/api-keys.md */
  readonly scopes: readonly ("read" | "trade")[];
  readonly name?: string | null;
}

/** Your keys, the newest first; a user has few, and all are here. */
export interface ApiKeys {
  readonly items: readonly ApiKey[];
  readonly next_cursor?: string | null;
}

/** Something said to every shard: in force everywhere once no shard is waited for. */
export interface Broadcast {
  readonly name: string;
  readonly created_at: string;
  /** shards that have answered */
  readonly answered: readonly number[];
  /** shards that have not; it is sent to them again */
  readonly waiting: readonly number[];
  /** user id of the administrator; null for what a ledger begins with */
  readonly asked_by: string | null;
}

/** All that was said to every shard, newest first. */
export interface Broadcasts {
  readonly items: readonly Broadcast[];
  readonly next_cursor?: string | null;
}

/**
 * The mid within an interval of log time. ticks: accepted ones; source: the feed of the last. Before a symbol's first
 * tick: minutes of `source`'s own past, without ticks.
 */
export interface Candle {
  readonly symbol: string;
  readonly interval: "1m" | "5m" | "15m" | "30m" | "1h" | "4h" | "1d" | "1w";
  readonly start: string;
  readonly open: Decimal;
  readonly high: Decimal;
  readonly low: Decimal;
  readonly close: Decimal;
  readonly ticks: number;
  readonly closed: boolean;
  readonly source: "backpack" | "simulated" | "recorded";
}

/** A page of candles, newest first. */
export interface Candles {
  readonly items: readonly Candle[];
  readonly next_cursor: string | null;
}

/** Which position, and how much of it. */
export interface CloseArgs {
  /** absent or null: all of it */
  readonly quantity?: Decimal | null;
  readonly position_id: string;
}

/** How much to close; the body may be left out, and then it is all. */
export interface CloseRequest {
  /** absent or null: all of it */
  readonly quantity?: Decimal | null;
}

/** What became of the close of one position. */
export interface Closing {
  readonly position_id: string;
  readonly command_id: string;
  readonly status: "pending" | "done" | "rejected";
  /** the refusal's name */
  readonly code?: string | null;
  readonly position?: Position | null;
}

/** What became of every position that was open; all of them on one page. */
export interface Closings {
  readonly items: readonly Closing[];
  readonly next_cursor?: string | null;
}

/** A command and its outcome. code: the refusal's name; order or position: what it made or changed. */
export interface Command {
  readonly command_id: string;
  readonly status: "pending" | "done" | "rejected" | "unknown";
  readonly code?: string | null;
  readonly order?: Order | null;
  readonly position?: Position | null;
}

/** Why it is approved or rejected; the body may be left out. */
export interface DecisionRequest {
  readonly note?: string | null;
}

/** What is left to do for a user who is gone: positions are closed as soon as their markets have a price. */
export interface DeletionReply {
  readonly status: "closing";
  readonly open_positions: number;
}

/** Money that came in. */
export interface Deposit {
  readonly command_id: string;
  readonly event_id: string | null;
  readonly amount: Decimal;
}

/** Demo money for the account. */
export interface DepositRequest {
  /** USDC, six places */
  readonly amount: Decimal;
}

/** All open positions of one side of a market. */
export interface Exposure {
  readonly positions: number;
  readonly quantity: Decimal;
  readonly entry_notional: Decimal;
  /** at the price each would close at; without a price, as entered */
  readonly notional: Decimal;
  readonly margin: Decimal;
  readonly unrealized_pnl: Decimal;
}

/** All markets. */
export interface Exposures {
  readonly items: readonly MarketExposure[];
  readonly next_cursor?: string | null;
}

/** One field that is wrong. */
export interface Fault {
  /** JSON pointer into the body, or the parameter's name */
  readonly pointer: string;
  readonly message: string;
  /** the bound, and what was sent; as in the message */
  readonly details?: Readonly<Record<string, string | number>> | null;
}

/** Whose prices count; name is null before a feed was selected. */
export interface Feed {
  readonly name: "backpack" | "simulated" | "recorded" | null;
  readonly run: string | null;
  readonly live: boolean | null;
  readonly selected_at: string | null;
  readonly prices: readonly FeedPrice[];
}

/** Shard 0's price of a symbol, as the tables have it. */
export interface FeedPrice {
  readonly symbol: string;
  readonly state: "none" | "unconfirmed" | "stale" | "fresh";
  readonly bid: Decimal | null;
  readonly ask: Decimal | null;
  readonly source_time: string | null;
  readonly heard_at: string | null;
  readonly age_ms: number | null;
  /** of the tick that waits for confirmation */
  readonly held_bid: Decimal | null;
  readonly held_ask: Decimal | null;
}

/** An execution. side: the position's; order_id: the command that asked for it, null for a stop-out. */
export interface Fill {
  readonly id: string;
  readonly time: string;
  readonly order_id: string | null;
  readonly position_id: string;
  readonly symbol: string;
  readonly side: "long" | "short";
  readonly action: "open" | "close";
  readonly price: Decimal;
  readonly quantity: Decimal;
  readonly fee: Decimal;
  readonly realized_pnl: Decimal | null;
  readonly reason: "manual" | "stop_loss" | "take_profit" | "trailing_stop" | "liquidation" | "admin" | "account_closed" | null;
  readonly event_id: string;
}

/** A page of fills, newest first. */
export interface Fills {
  readonly items: readonly Fill[];
  readonly next_cursor: string | null;
}

/**
 * What may be traded, with every parameter that decides money. Rates are fractions of one, limits USDC at entry. An
 * open position keeps the rates it was opened under.
 */
export interface Instrument {
  readonly symbol: string;
  readonly status: "open" | "close_only" | "halted";
  readonly tick_size: Decimal;
  readonly lot_size: Decimal;
  readonly price_decimals: number;
  readonly quantity_decimals: number;
  readonly quantity_min: Decimal;
  readonly quantity_max: Decimal;
  readonly leverage_min: Decimal;
  readonly leverage_max: Decimal;
  /** of the notional, for an opening and for a close */
  readonly fee_rate: Decimal;
  /** of the notional */
  readonly maintenance_rate: Decimal;
  /** of the margin; a position keeps the greater of the two */
  readonly margin_floor_rate: Decimal;
  /** of the notional */
  readonly liquidation_fee_rate: Decimal;
  /** from expected_price, where an order has none of its own */
  readonly slippage_bps: number;
  /** of a position */
  readonly notional_max: Decimal;
  /** of an account's positions of the symbol, both sides together */
  readonly account_notional_max: Decimal;
  /** of all accounts of a shard, on one side */
  readonly side_notional_max: Decimal;
  /** of the mid; a tick with a wider one is refused */
  readonly spread_max: Decimal;
  /** of the mid; a tick that is further away waits for confirmation */
  readonly jump_max: Decimal;
  /** without a tick or an alive mark; a stale price trades nothing */
  readonly stale_after_ms: number;
  /** how long ago the price may have been heard for an opening; null: as long as it is not stale */
  readonly open_age_max_ms: number | null;
}

/** A new instrument. What is absent is as of the instruments a ledger begins with. */
export interface InstrumentRequest {
  readonly symbol: string;
  /** decimal places of a price */
  readonly tick_exponent: number;
  /** decimal places of a quantity; with the other at most 6 */
  readonly lot_exponent: number;
  /** decimal digits */
  readonly quantity_max: Decimal;
}

/** All instruments, in the order they are served. */
export interface Instruments {
  readonly items: readonly Instrument[];
  readonly next_cursor?: string | null;
  /** in force in every shard; docs/rules.md says what it is */
  readonly rules_version: number;
  readonly account: AccountRules;
}

/** The insurance fund: the sum of every shard's. One shard's fund pays for that shard's shortfalls alone. */
export interface InsuranceFund {
  readonly balance: Decimal;
  readonly received: Decimal;
  readonly paid: Decimal;
  readonly written_off: Decimal;
  readonly shards: readonly ShardFund[];
}

/** What is liquidated when every market's price has moved so far against a side at the same time. */
export interface JointRung {
  readonly side: "long" | "short";
  /** percent of the exit prices */
  readonly move: Decimal;
  readonly positions: number;
  /** whose positions they are; each counts once, whatever the markets */
  readonly accounts: number;
  readonly entry_notional: Decimal;
  readonly margin: Decimal;
  readonly notional: Decimal;
  readonly shortfall: Decimal;
}

/**
 * By symbol, side, and how far the price moves; a market without a price is missing. Prices jump at once and are
 * accepted; nothing opens, closes or is amended meanwhile, so a stop on the way closes nothing before; each position
 * that is reached closes at the moved price.
 */
export interface Ladder {
  readonly items: readonly Rung[];
  readonly next_cursor?: string | null;
  /** all markets move at once */
  readonly together: readonly JointRung[];
}

/** Broker, engine and projector, as this process of the API sees them. */
export interface Lag {
  readonly broker_answers: boolean;
  readonly shards: readonly ShardLag[];
}

/** A signed change of the balance; all of them sum to it. */
export interface LedgerLine {
  readonly id: string;
  readonly time: string;
  readonly kind: "deposit" | "withdrawal" | "fee" | "realized_pnl" | "liquidation_fee";
  readonly amount: Decimal;
  readonly balance_after: Decimal;
  readonly position_id: string | null;
  readonly event_id: string;
}

/** A page of lines, newest first. */
export interface LedgerLines {
  readonly items: readonly LedgerLine[];
  readonly next_cursor: string | null;
}

/** An account without anything of its user. Balance is cash and margins; equity adds the unrealised profit. */
export interface ListedAccount {
  readonly account_id: string;
  readonly opened_at: string;
  readonly balance: Decimal;
  readonly equity: Decimal;
  readonly used_margin: Decimal;
  readonly free_margin: Decimal;
  /** equity / used margin, rounded down; null without a position */
  readonly margin_level: Decimal | null;
  readonly unrealized_pnl: Decimal;
  readonly open_positions: number;
}

/** A page of accounts, the last opened first. */
export interface ListedAccounts {
  readonly items: readonly ListedAccount[];
  readonly next_cursor: string | null;
}

/** Credentials; a name is allowed and changes nothing. */
export interface LoginRequest {
  readonly email: string;
  readonly password: string;
  readonly name?: string | null;
}

/** What clients hold in a market. net_…: long less short; the house holds as much the other way. */
export interface MarketExposure {
  readonly symbol: string;
  readonly long: Exposure;
  readonly short: Exposure;
  readonly net_quantity: Decimal;
  readonly net_notional: Decimal;
  /** of the clients; what the house would lose */
  readonly unrealized_pnl: Decimal;
}

/** Nothing. */
export interface NoArgs {
}

/**
 * An order. code: why it was rejected. What a rejected order asked for is in no event: the process that sent it tells
 * it for a while, any other gives null.
 */
export interface Order {
  readonly order_id: string;
  readonly command_id: string;
  readonly client_order_id?: string | null;
  readonly status: "pending" | "filled" | "cancelled" | "rejected" | "expired";
  readonly code?: string | null;
  readonly position_id?: string | null;
  readonly symbol?: string | null;
  readonly side?: "long" | "short" | null;
  readonly type: "market";
  /** of the fill */
  readonly price?: Decimal | null;
  readonly quantity?: Decimal | null;
  readonly margin?: Decimal | null;
  readonly leverage?: Decimal | null;
  readonly liquidation_price?: Decimal | null;
  readonly warnings?: readonly ("STOP_BEYOND_LIQUIDATION")[];
  /** log time of its outcome; null before */
  readonly decided_at?: string | null;
}

/**
 * What an order would come to now, by the engine's own code. Nothing is in the log, and prices move on. The figures are
 * what they would be if nothing were in the way; null where nothing can be said, as without a price.
 */
export interface OrderPreview {
  /** what an order sent now would be */
  readonly status: "filled" | "rejected";
  /** every one there is, in the engine's order; it names the first */
  readonly refusals: readonly PreviewRefusal[];
  readonly symbol: string;
  readonly side: "long" | "short";
  /** of the fill: a long at the ask, a short at the bid */
  readonly price: Decimal | null;
  /** since the price was last heard */
  readonly price_age_ms: number | null;
  readonly quantity: Decimal | null;
  readonly notional: Decimal | null;
  readonly margin: Decimal | null;
  readonly leverage: Decimal;
  /** of the opening, on top of the margin */
  readonly fee: Decimal | null;
  /** of a close at the same price, from the margin */
  readonly close_fee: Decimal | null;
  readonly liquidation_price: Decimal | null;
  /** margin and fee: the position can cost no more */
  readonly loss_max: Decimal | null;
  readonly free_margin_before: Decimal;
  /** below zero where there is too little */
  readonly free_margin_after: Decimal | null;
  readonly warnings: readonly ("STOP_BEYOND_LIQUIDATION")[];
}

/** Open a position at the market's price; exactly one of margin and quantity. */
export interface OrderRequest {
  readonly symbol: string;
  readonly side: "long" | "short";
  readonly type: "market";
  readonly margin?: Decimal | null;
  readonly quantity?: Decimal | null;
  /** 1 to 100, two places */
  readonly leverage: Decimal;
  readonly stop_loss?: Decimal | null;
  readonly take_profit?: Decimal | null;
  /** worst distance from expected_price, in basis points */
  readonly slippage_bps?: number | null;
  /** a guard; the fill is at the server's price */
  readonly expected_price?: Decimal | null;
  readonly client_order_id?: string | null;
}

/** A page of orders, newest first. */
export interface Orders {
  readonly items: readonly Order[];
  readonly next_cursor: string | null;
}

/** An instrument with every parameter there is. Rates are fractions of one; money is USDC. */
export interface Parameters {
  readonly symbol: string;
  readonly status: "open" | "close_only" | "halted";
  readonly tick_size: Decimal;
  readonly lot_size: Decimal;
  readonly quantity_min: Decimal;
  readonly quantity_max: Decimal;
  readonly leverage_min: Decimal;
  readonly leverage_max: Decimal;
  readonly fee_rate: Decimal;
  /** of the notional */
  readonly maintenance_rate: Decimal;
  /** of the margin */
  readonly margin_floor_rate: Decimal;
  readonly liquidation_fee_rate: Decimal;
  readonly slippage_bps: number;
  readonly spread_max: Decimal;
  readonly jump_max: Decimal;
  readonly notional_max: Decimal;
  readonly account_notional_max: Decimal;
  readonly side_notional_max: Decimal;
  /** how long ago a price may have been heard for an opening; null: as the rules say */
  readonly open_age_max_ms: number | null;
}

/** New parameters; what is absent stays, null is a value. An open position keeps the rates it was opened under. */
export interface ParametersRequest {
  /** decimal digits */
  readonly quantity_min?: Decimal;
  /** decimal digits */
  readonly quantity_max?: Decimal;
  /** 1 to 100, two places */
  readonly leverage_min?: Decimal;
  /** 1 to 100, two places */
  readonly leverage_max?: Decimal;
  /** fraction of one, six places */
  readonly fee_rate?: Decimal;
  /** fraction of one, six places */
  readonly maintenance_rate?: Decimal;
  /** fraction of one, six places */
  readonly margin_floor_rate?: Decimal;
  /** fraction of one, six places */
  readonly liquidation_fee_rate?: Decimal;
  readonly slippage_bps?: number;
  /** fraction of one, six places */
  readonly spread_max?: Decimal;
  /** fraction of one, six places */
  readonly jump_max?: Decimal;
  /** USDC, six places */
  readonly notional_max?: Decimal;
  /** USDC, six places */
  readonly account_notional_max?: Decimal;
  /** USDC, six places */
  readonly side_notional_max?: Decimal;
  /** 1 to 5,000; null: as the rules say; with version 2 of the rules */
  readonly open_age_max_ms?: number | null;
}

/** The password there is, and the one to be. */
export interface PasswordRequest {
  readonly password: string;
  readonly new_password: string;
}

/** A ticket. unrealized_pnl: at the price it would close at now; null without a price, or once closed. */
export interface Position {
  readonly id: string;
  readonly symbol: string;
  readonly side: "long" | "short";
  readonly status: "open" | "closed";
  /** what is open, or was when the last of it was closed */
  readonly quantity: Decimal;
  readonly entry_price: Decimal;
  readonly margin: Decimal;
  readonly leverage: Decimal;
  readonly liquidation_price: Decimal | null;
  readonly stop_loss: Decimal | null;
  readonly take_profit: Decimal | null;
  readonly unrealized_pnl: Decimal | null;
  readonly opened_at: string;
  readonly close_price?: Decimal | null;
  /** before fees; with that of parts closed before */
  readonly realized_pnl?: Decimal | null;
  readonly close_reason?: "manual" | "stop_loss" | "take_profit" | "trailing_stop" | "liquidation" | "admin" | "account_closed" | null;
  readonly closed_at?: string | null;
  readonly receipt_id?: string | null;
}

/** A page of positions, the last opened first. */
export interface Positions {
  readonly items: readonly Position[];
  readonly next_cursor: string | null;
}

/** A reason why the order would be refused now. */
export interface PreviewRefusal {
  readonly code: string;
  readonly detail: string;
  /** the bound, and what was sent */
  readonly details: Readonly<Record<string, string | number>> | null;
}

/** An error as RFC 9457 has it; `code` is the core's refusal or the API's own. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: "NOT_DECODABLE" | "WRONG_SHARD" | "ACCOUNT_UNKNOWN" | "ACCOUNT_CLOSED" | "ACCOUNT_EXISTS" | "COMMAND_ID_REUSED" | "TOO_MANY_COMMANDS" | "DEADLINE_PASSED" | "DEADLINE_TOO_FAR" | "MALFORMED" | "FEED_NOT_SELECTED" | "SYMBOL_UNKNOWN" | "POSITION_NOT_OPEN" | "MARKET_HALTED" | "MARKET_CLOSE_ONLY" | "NO_PRICE" | "PRICE_UNCONFIRMED" | "PRICE_STALE" | "CLOCK_SUSPECT" | "LEVERAGE_OUT_OF_RANGE" | "SLIPPAGE_EXCEEDED" | "AMOUNT_NOT_POSITIVE" | "BELOW_MINIMUM" | "ABOVE_MAXIMUM" | "POSITION_NOTIONAL_LIMIT" | "ACCOUNT_NOTIONAL_LIMIT" | "SIDE_NOTIONAL_LIMIT" | "DEPOSIT_LIMIT" | "BALANCE_LIMIT" | "STOP_LOSS_WRONG_SIDE" | "TAKE_PROFIT_WRONG_SIDE" | "LIQUIDATABLE_AT_ONCE" | "INSUFFICIENT_MARGIN" | "CLIENT_ORDER_ID_USED" | "RULES_VERSION_NOT_NEXT" | "PRICE_TOO_OLD" | "TOO_MANY_POSITIONS" | "REQUEST_INVALID" | "NOT_AUTHENTICATED" | "BAD_CREDENTIALS" | "TOKEN_INVALID" | "TOKEN_EXPIRED" | "SIGNATURE_INVALID" | "CREDENTIALS_CONFLICT" | "SCOPE_MISSING" | "ROLE_READ_ONLY" | "PASSWORD_WRONG" | "LOGIN_TOO_OLD" | "FORBIDDEN" | "CROSS_SITE_REQUEST" | "NOT_FOUND" | "METHOD_NOT_ALLOWED" | "RULES_VERSION_UNKNOWN" | "TOO_MANY_API_KEYS" | "TOO_MANY_SOCKETS" | "TOO_MANY_IN_FLIGHT" | "TOO_MANY_ALERTS" | "ALERT_REACHED" | "ORDER_NOT_OPEN" | "TRANSFER_NOT_PENDING" | "EMAIL_TAKEN" | "KEY_IN_USE" | "PRECONDITION_FAILED" | "BODY_TOO_LARGE" | "HEAD_TOO_LARGE" | "REQUEST_TOO_SLOW" | "TOO_MANY_CONNECTIONS" | "UNSUPPORTED_MEDIA_TYPE" | "TOO_MANY_LOGINS" | "RATE_LIMITED" | "INTERNAL_ERROR" | "BROKER_UNAVAILABLE" | "DATABASE_UNAVAILABLE" | "ENGINE_BEHIND" | "PROJECTION_BEHIND" | "SERVER_STOPPING" | "PASSWORDS_BUSY" | "REPLAY_BUSY" | "REPLAY_UNAVAILABLE";
  readonly errors?: readonly Fault[] | null;
  /** the bounds that were not kept, what was sent, and what was looked for; all are in `detail` too */
  readonly details?: Readonly<Record<string, string | number>> | null;
  readonly [member: string]: unknown;
}

/** Whether the API does its work, and if not, why, as a sentence. */
export interface Ready {
  readonly ready: boolean;
  readonly why: string | null;
}

/**
 * A close, of all or of a part. equity and requirement, the least equity there had to be: before the close. Of all:
 * equity = margin + profit; fee or liquidation_fee is paid from what is left; margin_returned is what came back to
 * cash. Of a part: quantity, the notionals, profit and fee are the part's, and `rest` says what stayed; margin_returned
 * = released + what profit less fee is above zero.
 */
export interface Receipt {
  readonly event_id: string;
  readonly time: string;
  readonly position_id: string;
  readonly symbol: string;
  readonly side: "long" | "short";
  readonly rule: "manual" | "stop_loss" | "take_profit" | "trailing_stop" | "liquidation" | "admin" | "account_closed";
  /** null for a close by hand */
  readonly trigger_price: Decimal | null;
  /**
   * the price nearest to trigger_price at which the rule would have left the position open; null for a close by hand
   */
  readonly open_price?: Decimal | null;
  readonly tick: ReceiptTick;
  readonly quantity: Decimal;
  readonly entry_price: Decimal;
  readonly close_price: Decimal;
  readonly entry_notional: Decimal;
  readonly close_notional: Decimal;
  readonly margin: Decimal;
  readonly profit: Decimal;
  readonly equity: Decimal;
  readonly requirement: Decimal;
  readonly fee: Decimal;
  readonly liquidation_fee: Decimal;
  readonly margin_returned: Decimal;
  /** profit + shortfall: what the ledger says */
  readonly realized_pnl: Decimal;
  readonly shortfall: Shortfall;
  /** null where all was closed */
  readonly rest?: Rest | null;
  readonly command_id: string | null;
  readonly command_offset: number;
  readonly opened_at: string;
}

/** The tick a position was closed at; command_offset: its place in the shard's log. */
export interface ReceiptTick {
  readonly bid: Decimal;
  readonly ask: Decimal;
  readonly source_time: string;
  readonly command_offset: number;
}

/** Which position, and how much of it is closed. */
export interface ReduceArgs {
  readonly position_id: string;
  /** decimal digits */
  readonly quantity: Decimal;
}

/** A new user. */
export interface RegisterRequest {
  readonly email: string;
  readonly password: string;
  readonly name?: string | null;
}

/**
 * What there is to replay of an account. is_ready: else the log is still being read, and `read` of `records` events
 * have been: ask again. place: the offset of the moment that was asked for. marks: the account's own commands, at most
 * 500 of mark_count. symbols: those that it held.
 */
export interface Replay {
  readonly account_id: string;
  readonly shard: number;
  readonly is_ready: boolean;
  readonly read: number;
  readonly records: number;
  readonly opened: ReplayPoint | null;
  readonly end: ReplayPoint | null;
  readonly place: number | null;
  readonly marks: readonly ReplayMark[];
  readonly mark_count: number;
  readonly symbols: readonly string[];
  readonly verdict: ReplayVerdict | null;
}

/** The mid of a symbol's bid and ask from a time on. */
export interface ReplayCandle {
  readonly start: string;
  readonly open: Decimal;
  readonly high: Decimal;
  readonly low: Decimal;
  readonly close: Decimal;
}

/** A command as it stands in the log: in words, and as JSON text in the ledger's own units. */
export interface ReplayCommand {
  readonly offset: number;
  readonly time: string;
  readonly type: string;
  readonly command_id: string | null;
  readonly words: string;
  readonly content: string;
}

/**
 * An event. own: whether it is the account's, and not one of the whole shard. rejection: why it was refused. figures:
 * its amounts, prices and sizes in decimal digits, by the names of its fields. ticks: prices it accepted. content: all
 * that it says, in the ledger's own units, as JSON text. digest: chains it to every event before it.
 */
export interface ReplayEvent {
  readonly event_id: string;
  readonly seq: number;
  readonly index: number;
  readonly type: string;
  readonly time: string;
  readonly own: boolean;
  readonly command_id: string | null;
  readonly position_id: string | null;
  readonly symbol: string | null;
  readonly side: "long" | "short" | null;
  readonly reason: string | null;
  readonly rejection: string | null;
  readonly figures: Readonly<Record<string, string>>;
  readonly ticks: readonly ReplayPrice[];
  readonly digest: string;
  readonly content: string;
}

/** The account's ledger as it was; seq: of its last event. prices: of what it held, as far as they were followed. */
export interface ReplayLedger {
  readonly account_id: string;
  readonly seq: number;
  readonly cash: Decimal;
  readonly used_margin: Decimal;
  readonly balance: Decimal;
  readonly unrealized_pnl: Decimal;
  readonly equity: Decimal;
  readonly positions: readonly ReplayPosition[];
  readonly prices: readonly ReplayPrice[];
}

/** A command of the account's own; type: of its first event. */
export interface ReplayMark {
  readonly offset: number;
  readonly time: string;
  readonly type: string;
  readonly position_id: string | null;
}

/** A command in the log of the account's shard, and its time. */
export interface ReplayPoint {
  readonly offset: number;
  readonly time: string;
}

/** A position as it was. */
export interface ReplayPosition {
  readonly position_id: string;
  readonly symbol: string;
  readonly side: "long" | "short";
  readonly quantity: Decimal;
  readonly entry_price: Decimal;
  readonly entry_notional: Decimal;
  readonly margin: Decimal;
  readonly leverage: Decimal;
  readonly liquidation_price: Decimal | null;
  readonly stop_loss: Decimal | null;
  readonly take_profit: Decimal | null;
  readonly unrealized_pnl: Decimal | null;
  readonly opened_at: string;
}

/** A symbol's bid and ask. */
export interface ReplayPrice {
  readonly symbol: string;
  readonly bid: Decimal | null;
  readonly ask: Decimal | null;
}

/** Candles of so many seconds, oldest first. left_off: up to when there was time to look; null: to the end. */
export interface ReplayPrices {
  readonly symbol: string;
  readonly seconds: number;
  readonly candles: readonly ReplayCandle[];
  readonly left_off: string | null;
}

/**
 * A command that concerned the account, all it led to, and the ledger before and after it. kind: its own; one that
 * moved a price of what it held; or one of the market. before: null where that is the ledger of the step before this
 * one in the list. Both are null before the account was opened.
 */
export interface ReplayStep {
  readonly offset: number;
  readonly time: string;
  readonly kind: "own" | "price" | "market";
  readonly events: readonly ReplayEvent[];
  readonly before: ReplayLedger | null;
  readonly ledger: ReplayLedger | null;
}

/**
 * Steps in the log's order. previous, next: what to send as `before` and as `after` for more; null: there are none. At
 * the end of the log `next` stays, for what is still to come.
 */
export interface ReplaySteps {
  readonly account_id: string;
  readonly shard: number;
  readonly steps: readonly ReplayStep[];
  readonly previous: number | null;
  readonly next: number | null;
}

/**
 * What the last `audit verify` said: of all, and of this shard up to event seq, before command next_offset. digest:
 * SHA-256 of the verdict. chain_digest: of event seq; ledger_digest: of the shard's ledger there.
 */
export interface ReplayVerdict {
  readonly agrees: boolean;
  readonly shard_agrees: boolean;
  readonly made_at: string;
  readonly digest: string;
  readonly seq: number | null;
  readonly next_offset: number | null;
  readonly chain_digest: string | null;
  readonly ledger_digest: string | null;
  readonly scope: readonly string[];
}

/** What stayed open when a part was closed; released: of the margin, for the part. */
export interface Rest {
  readonly quantity: Decimal;
  readonly entry_notional: Decimal;
  readonly margin: Decimal;
  readonly liquidation_price: Decimal | null;
  readonly released: Decimal;
}

/** Which version is in force in every shard, which is the newest this API knows, and all that were asked for. */
export interface Rules {
  readonly in_force: number;
  readonly newest: number;
  readonly activations: readonly Activation[];
}

/**
 * What is liquidated when the price has moved so far against a side, and everything nearer. Longs are liquidated by a
 * fall, shorts by a rise.
 */
export interface Rung {
  readonly symbol: string;
  readonly side: "long" | "short";
  /** percent of the exit price */
  readonly move: Decimal;
  readonly price: Decimal;
  readonly positions: number;
  /** whose positions they are */
  readonly accounts: number;
  readonly entry_notional: Decimal;
  readonly margin: Decimal;
  /** at the moved price */
  readonly notional: Decimal;
  /** what they would owe beyond their margins, at the moved price */
  readonly shortfall: Decimal;
}

/** A sign-in of yours that is going on. current: the one this request came from. */
export interface Session {
  readonly id: string;
  /** browser and system, or a program, as it said itself at the sign-in; null where it said nothing */
  readonly device: string | null;
  /** the first part of the address of the sign-in; no more is kept */
  readonly network: string | null;
  readonly created_at: string;
  /** to a quarter of an hour */
  readonly last_seen_at: string;
  /** when it is over unless it is used before */
  readonly expires_at: string;
  readonly current: boolean;
}

/** Your sessions: the current one, then the last begun first, a hundred at most. total: how many there are. */
export interface Sessions {
  readonly items: readonly Session[];
  readonly total: number;
  readonly next_cursor?: string | null;
}

/** What the closes of a shard moved into its fund and out of it, since the first. */
export interface ShardFund {
  readonly shard: number;
  /** received less paid: the shard's book INSURANCE */
  readonly balance: Decimal;
  /** liquidation fees */
  readonly received: Decimal;
  /** for losses beyond margins */
  readonly paid: Decimal;
  /** losses beyond margins that the fund could not pay */
  readonly written_off: Decimal;
}

/** How far a shard's command was executed and its events projected; null where that is not known here. */
export interface ShardLag {
  readonly shard: number;
  /** the end of the commands, when last looked at */
  readonly commands: number | null;
  /** commands that have their event */
  readonly executed: number;
  readonly events: number;
  readonly projected: number;
  readonly projection_lag: number;
  /** since the tables were known to hold all that was committed */
  readonly projection_age_ms: number | null;
  readonly state: "level" | "behind";
}

/** A loss beyond the margin, and who paid it. */
export interface Shortfall {
  readonly amount: Decimal;
  readonly insurance_paid: Decimal;
  readonly written_off: Decimal;
}

/** The changes of the balance in [from, to), newest first; opening_balance and they sum to closing_balance. */
export interface Statement {
  readonly account_id: string;
  readonly from: string | null;
  readonly to: string;
  readonly opening_balance: Decimal;
  readonly closing_balance: Decimal;
  readonly items: readonly LedgerLine[];
  readonly next_cursor: string | null;
}

/** Whether a market trades, only closes, or does nothing. */
export interface StatusRequest {
  readonly status: "open" | "close_only" | "halted";
}

/** One of the closes of a tick. place: in the shard's ledger, from 1; yours: whether it is the caller's. */
export interface TickClosing {
  readonly place: number;
  readonly yours: boolean;
  readonly side: "long" | "short";
  readonly quantity: Decimal;
  readonly close_price: Decimal;
  readonly rule: "manual" | "stop_loss" | "take_profit" | "trailing_stop" | "liquidation" | "admin" | "account_closed";
}

/** What closed together with a position, in the ledger's order; whose it was is told of the caller's own only. */
export interface TickClosings {
  readonly symbol: string;
  /** of the receipt's own close */
  readonly place: number;
  /** closes of the shard at this tick */
  readonly count: number;
  /** the receipt's own close and at most 50 before and after it */
  readonly items: readonly TickClosing[];
  /** closes by the same tick in the other shards, beside which there is no order */
  readonly elsewhere: number;
}

/** A symbol's price. time: when it was last heard to be good, in log time; only a fresh one trades. */
export interface Ticker {
  readonly symbol: string;
  readonly bid: Decimal | null;
  readonly ask: Decimal | null;
  readonly mid: Decimal | null;
  readonly time: string | null;
  readonly age_ms: number | null;
  readonly feed: "backpack" | "simulated" | "recorded" | null;
  readonly state: "none" | "unconfirmed" | "stale" | "fresh";
  /** percent of the mid 24 hours ago */
  readonly change_24h: Decimal | null;
  readonly high_24h: Decimal | null;
  readonly low_24h: Decimal | null;
}

/** All symbols, in the order of the instruments. */
export interface Tickers {
  readonly items: readonly Ticker[];
  readonly next_cursor?: string | null;
}

/** An access token; the cookie `session` carries the same one, and the cookie `refresh` what renews it. */
export interface TokenReply {
  readonly access_token: string;
  readonly token_type?: string;
  /** seconds */
  readonly expires_in: number;
}

/**
 * Money in or out. pending: waits for approvals; approved: on its way into the log; done or refused: by the log.
 * rejected: by an administrator. code: the log's refusal. command_id: of the command in the log.
 */
export interface Transfer {
  readonly id: string;
  readonly kind: "deposit" | "withdrawal";
  readonly account_id: string;
  readonly amount: Decimal;
  readonly reason: "received" | "paid_out" | "requested" | "refund" | "correction" | "bonus" | "other";
  readonly note: string | null;
  readonly status: "pending" | "approved" | "rejected" | "done" | "refused";
  /** of other people than who asked for it */
  readonly approvals_needed: number;
  readonly approvals: number;
  readonly code: string | null;
  readonly command_id: string;
  readonly event_id: string | null;
  readonly created_at: string;
  readonly acts: readonly TransferAct[];
}

/** Who did what to it; user_id and email are null where the log said it. */
export interface TransferAct {
  readonly act: "requested" | "approved" | "rejected" | "done" | "refused";
  readonly user_id: string | null;
  readonly email: string | null;
  readonly note: string | null;
  readonly at: string;
}

/** Money for an account, or from it, and why. */
export interface TransferRequest {
  /** USDC, six places */
  readonly amount: Decimal;
  readonly reason: "received" | "paid_out" | "requested" | "refund" | "correction" | "bonus" | "other";
  readonly note?: string | null;
}

/** A page of transfers, newest first. */
export interface Transfers {
  readonly items: readonly Transfer[];
  readonly next_cursor: string | null;
}

/** Who is signed in. */
export interface UserReply {
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
  readonly roles: readonly string[];
  readonly account_id: string;
  readonly user: UserShort;
}

/** A user, in short. */
export interface UserShort {
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
}

/** Whether you have stored keys; the keys themselves are given to nobody. */
export interface VenueKeysReply {
  readonly stored: boolean;
}

/** An API key of Binance's testnet and its secret: permitted to trade, and nothing else. */
export interface VenueKeysRequest {
  readonly api_key: string;
  readonly secret_key: string;
}

/**
 * An order of yours at the venue, in its own words and places; prices are in its quote asset. executed_price: the
 * average of what was executed, null before; code, message: why it was refused or ended; updated_at: when the venue
 * last told something of it.
 */
export interface VenueOrderReply {
  readonly order_id: string;
  readonly venue_order_id: number | null;
  readonly status: "pending" | "unknown" | "accepted" | "partially_filled" | "filled" | "cancelled" | "expired" | "rejected" | "venue_reset" | "abandoned";
  readonly symbol: string;
  readonly side: "buy" | "sell";
  readonly type: string;
  readonly quantity: Decimal;
  readonly price: Decimal | null;
  readonly stop_price: Decimal | null;
  readonly time_in_force: string | null;
  readonly executed_quantity: Decimal;
  readonly executed_price: Decimal | null;
  readonly code: string | null;
  readonly message: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

/** A page of orders at the venue, newest first. */
export interface VenueOrders {
  readonly items: readonly VenueOrderReply[];
  readonly next_cursor: string | null;
}

/** What you hold of a symbol at the venue, net; negative where more was sold there than bought. */
export interface VenuePositionReply {
  readonly symbol: string;
  readonly quantity: Decimal;
  readonly average_entry_price: Decimal | null;
  readonly realized_pnl: Decimal;
}

/**
 * How the exchange keeps to the venue for you. compared_every_ms: open orders are compared with the venue's so often;
 * undone_fills: executions that a reset of the venue undid, which count no more.
 */
export interface VenueStanding {
  readonly keys_stored: boolean;
  readonly compared_every_ms: number;
  readonly open_orders: number;
  readonly undone_fills: number;
  readonly positions: readonly VenuePositionReply[];
}

/** What became of your wish for money. rejected: by an administrator, who says why in note; refused: by the log. */
export interface Withdrawal {
  readonly id: string;
  readonly amount: Decimal;
  readonly status: "pending" | "approved" | "rejected" | "done" | "refused";
  readonly note: string | null;
  readonly code: string | null;
  readonly event_id: string | null;
  readonly created_at: string;
}

/** Money you want to take out of your free margin. */
export interface WithdrawalRequest {
  /** USDC, six places */
  readonly amount: Decimal;
  readonly note?: string | null;
}

/** A page of your withdrawals, newest first. */
export interface Withdrawals {
  readonly items: readonly Withdrawal[];
  readonly next_cursor: string | null;
}

/** The account as of `seq`. */
export interface WsAccountSnapshot {
  readonly channel: string;
  readonly seq: number;
  readonly ts: string;
  readonly type: "snapshot";
  readonly data: AccountSnapshot;
}

/** The account's event number `seq`. */
export interface WsAccountUpdate {
  readonly channel: string;
  readonly seq: number;
  readonly ts: string;
  readonly type: "update";
  readonly data: AccountUpdate;
}

/** An operation was done. channels: all that are subscribed to now; signed_in_until: when it closes with 4401. */
export interface WsAck {
  readonly type: "ack";
  readonly id: string | number | null;
  readonly op: "subscribe" | "unsubscribe" | "auth" | "resume";
  readonly channels: readonly string[];
  readonly account_id: string | null;
  readonly signed_in_until: string | null;
}

/** Your active alerts, the last made first. */
export interface WsAlertsSnapshot {
  readonly channel: string;
  readonly seq: number;
  readonly ts: string;
  readonly type: "snapshot";
  readonly data: readonly Alert[];
}

/** An alert of yours that triggered. */
export interface WsAlertsUpdate {
  readonly channel: string;
  readonly seq: number;
  readonly ts: string;
  readonly type: "update";
  readonly data: Alert;
}

/** Set a position's stops, as `PATCH /api/v1/positions/{id}` does. */
export interface WsAmend {
  readonly id: string | number;
  /** as the header `Idempotency-Key`: the same key with the same content is executed once */
  readonly idempotency_key?: string | null;
  /** as the header: a reply of 202 at once */
  readonly prefer?: "respond-async" | null;
  readonly op: "order.amend";
  /** as the header `If-Match`: the `etag` of the position as you know it */
  readonly if_match?: string | null;
  readonly args: AmendArgs;
}

/** Say who you are, or renew it in place: an access token, or a ticket of `POST /api/v1/ws-ticket`. */
export interface WsAuth {
  readonly id?: string | number | null;
  readonly op: "auth";
  readonly token?: string | null;
  readonly ticket?: string | null;
}

/** The candle that goes on, or was closed; null before the first. */
export interface WsCandleMessage {
  readonly channel: string;
  readonly seq: number;
  readonly ts: string;
  readonly type: "snapshot" | "update";
  readonly data: Candle | null;
}

/** Close a position, as `POST /api/v1/positions/{id}/close` does. */
export interface WsClose {
  readonly id: string | number;
  /** as the header `Idempotency-Key`: the same key with the same content is executed once */
  readonly idempotency_key?: string | null;
  /** as the header: a reply of 202 at once */
  readonly prefer?: "respond-async" | null;
  readonly op: "order.close";
  readonly args: CloseArgs;
}

/** Close every position that is open, as `POST /api/v1/positions/close-all` does. */
export interface WsCloseAll {
  readonly id: string | number;
  /** as the header `Idempotency-Key`: the same key with the same content is executed once */
  readonly idempotency_key?: string | null;
  /** as the header: a reply of 202 at once */
  readonly prefer?: "respond-async" | null;
  readonly op: "order.close_all";
  readonly args?: NoArgs;
}

/** An operation was refused, and changed nothing; of an order, what REST's headers would say stands beside it. */
export interface WsError {
  /** `shard:seq`, as the header `Ledger-Position` */
  readonly ledger_position?: string | null;
  /** as `Idempotent-Replayed`: the same was asked before */
  readonly replayed?: boolean;
  /** where the order, or the undecided command, is looked up */
  readonly location?: string | null;
  /** the version of the position */
  readonly etag?: string | null;
  readonly retry_after_s?: number | null;
  readonly rate_limit?: WsRateLimit | null;
  readonly type: "error";
  readonly id: string | number | null;
  readonly op: string | null;
  readonly error: Problem;
}

export type WsFromClient = WsSubscribe | WsUnsubscribe | WsAuth | WsResume | WsPing | WsPlace | WsClose | WsReduce | WsAmend | WsCloseAll;

export type WsFromServer = WsAck | WsPong | WsError | WsOutcome | WsResync | WsShutdown | WsAccountSnapshot | WsAccountUpdate | WsAlertsSnapshot | WsAlertsUpdate | WsTickerMessage | WsCandleMessage;

/** What became of an order; status and data are those of REST. 202: not decided yet, look at `location`. */
export interface WsOutcome {
  /** `shard:seq`, as the header `Ledger-Position` */
  readonly ledger_position?: string | null;
  /** as `Idempotent-Replayed`: the same was asked before */
  readonly replayed?: boolean;
  /** where the order, or the undecided command, is looked up */
  readonly location?: string | null;
  /** the version of the position */
  readonly etag?: string | null;
  readonly retry_after_s?: number | null;
  readonly rate_limit?: WsRateLimit | null;
  readonly type: "outcome";
  readonly id: string | number;
  readonly op: "order.place" | "order.close" | "order.reduce" | "order.amend" | "order.close_all";
  readonly status: 200 | 201 | 202;
  readonly data: Order | Position | Closings | Command;
}

/** Ask whether anybody is there; the server asks by itself every 20 seconds, with WebSocket's own pings. */
export interface WsPing {
  readonly id?: string | number | null;
  readonly op: "ping";
}

/** Open a position at the market's price, as `POST /api/v1/orders` does. */
export interface WsPlace {
  readonly id: string | number;
  /** as the header `Idempotency-Key`: the same key with the same content is executed once */
  readonly idempotency_key?: string | null;
  /** as the header: a reply of 202 at once */
  readonly prefer?: "respond-async" | null;
  readonly op: "order.place";
  readonly args: OrderRequest;
}

/** The answer to a ping. */
export interface WsPong {
  readonly type: "pong";
  readonly id: string | number | null;
  readonly ts: string;
}

/** What is left of the bucket the order was taken from, as the headers `RateLimit` and `RateLimit-Policy` say it. */
export interface WsRateLimit {
  readonly bucket: "orders" | "closing";
  readonly quota: number;
  readonly window_s: number;
  readonly remaining: number;
  /** until there is more */
  readonly reset_s: number;
}

/** Close a part of a position, as `POST /api/v1/positions/{id}/close` with a quantity does. */
export interface WsReduce {
  readonly id: string | number;
  /** as the header `Idempotency-Key`: the same key with the same content is executed once */
  readonly idempotency_key?: string | null;
  /** as the header: a reply of 202 at once */
  readonly prefer?: "respond-async" | null;
  readonly op: "order.reduce";
  readonly args: ReduceArgs;
}

/** Be told of your account from behind this `seq` on; what was missed comes first, or `resync` and a snapshot. */
export interface WsResume {
  readonly id?: string | number | null;
  readonly op: "resume";
  readonly channel: "account";
  readonly after: number;
}

/** What was missed cannot be told one by one: the channel's snapshot comes next. */
export interface WsResync {
  readonly type: "resync";
  readonly channel: string;
  readonly ts: string;
}

/** The server goes down; the socket closes with 1012. Connect again and resume. */
export interface WsShutdown {
  readonly type: "server_shutdown";
  readonly ts: string;
}

/** Be told of these channels: of each its snapshot, then its updates. */
export interface WsSubscribe {
  readonly id?: string | number | null;
  readonly op: "subscribe";
  readonly channels: readonly string[];
}

/** The last price of a symbol; a slow reader misses prices, never the last one. */
export interface WsTickerMessage {
  readonly channel: string;
  readonly seq: number;
  readonly ts: string;
  readonly type: "snapshot" | "update";
  readonly data: Ticker;
}

/** A ticket that opens one socket, once: `/api/v1/ws?ticket=…`, or `{"op":"auth","ticket":"…"}`. */
export interface WsTicket {
  readonly ticket: string;
  /** seconds */
  readonly expires_in: number;
}

/** Be told of these channels no more. */
export interface WsUnsubscribe {
  readonly id?: string | number | null;
  readonly op: "unsubscribe";
  readonly channels: readonly string[];
}
