/**
 * What a person asks for in the ticket, and what it comes to: pure functions of what was typed and of the market.
 *
 * `readTicket` says for one side what would be sent, every reason why it cannot be, and how the account would change.
 */

import { type Decimal, type NewOrder, fromMicros, fromUnits, toUnits } from "reprise-client";
import { type TypedFault, readTyped } from "../numbers/typed.ts";
import { divCeil, divFloor } from "../rules/division.ts";
import {
  PRICE_MAX,
  type Side,
  entryPrice,
  exitPrice,
  feeOf,
  liquidationPriceOf,
  marginOf,
  notionalOf,
  profitOf,
  quantityOf,
  requirementOf,
} from "../rules/position.ts";
import type { Terms } from "../rules/terms.ts";

const MONEY_PLACES = 6;
const LEVERAGE_PLACES = 2;
const PERCENT_PLACES = 4;
const WHOLE_PERCENT = 100n * 10n ** BigInt(PERCENT_PLACES);
export const HIGH_LEVERAGE = 2_000n; // hundredths

export interface StopText {
  readonly by: "price" | "percent";
  readonly text: string;
}

/** The ticket as it was typed. slippage: percent; empty for the market's own. */
export interface Ticket {
  readonly sizeBy: "margin" | "quantity";
  readonly size: string;
  readonly leverage: string;
  readonly stop: StopText;
  readonly take: StopText;
  readonly slippage: string;
}

export const EMPTY: Ticket = {
  sizeBy: "margin",
  size: "",
  leverage: "10",
  stop: { by: "price", text: "" },
  take: { by: "price", text: "" },
  slippage: "",
};

/**
 * What is known around it. Prices in ticks, null without one; freeMargin, usedMargin: micros, null without an account;
 * openNotional: micros at entry, of the person's positions in this market.
 */
export interface Surroundings {
  readonly terms: Terms;
  readonly bid: bigint | null;
  readonly ask: bigint | null;
  readonly priceState: "none" | "unconfirmed" | "stale" | "fresh";
  readonly freeMargin: bigint | null;
  readonly usedMargin: bigint | null;
  readonly signedIn: boolean;
  readonly openNotional: bigint;
  readonly connected: boolean;
  readonly locale: string;
}

export type Field = "size" | "leverage" | "stop" | "take" | "slippage" | "market" | "account";
export type TicketCode =
  | "NOT_SIGNED_IN"
  | "ACCOUNT_UNKNOWN"
  | "NO_CONNECTION"
  | "NO_PRICE"
  | "PRICE_UNCONFIRMED"
  | "PRICE_STALE"
  | "MARKET_HALTED"
  | "MARKET_CLOSE_ONLY"
  | "EMPTY"
  | "NOT_A_NUMBER"
  | "TOO_MANY_PLACES"
  | "TOO_LARGE"
  | "AMOUNT_NOT_POSITIVE"
  | "BELOW_MINIMUM"
  | "ABOVE_MAXIMUM"
  | "POSITION_NOTIONAL_LIMIT"
  | "ACCOUNT_NOTIONAL_LIMIT"
  | "LEVERAGE_OUT_OF_RANGE"
  | "SLIPPAGE_OUT_OF_RANGE"
  | "STOP_LOSS_WRONG_SIDE"
  | "TAKE_PROFIT_WRONG_SIDE"
  | "PRICE_OUT_OF_RANGE"
  | "LIQUIDATABLE_AT_ONCE"
  | "INSUFFICIENT_MARGIN";

/** Why the order cannot be sent. bound: what had to be kept, where there is a number for it. */
export interface Fault {
  readonly field: Field;
  readonly code: TicketCode;
  readonly bound?: string;
}

export type Warning = "HIGH_LEVERAGE" | "STOP_BEYOND_LIQUIDATION";

/** What the order would come to. lossMax: margin and fee, the position can cost no more. */
export interface Summary {
  readonly price: Decimal;
  readonly quantity: Decimal;
  readonly notional: Decimal;
  readonly margin: Decimal;
  readonly fee: Decimal;
  readonly liquidationPrice: Decimal | null;
  readonly lossMax: Decimal;
  /** of the person's positions in this market, at entry: before and after */
  readonly openNotional: readonly [Decimal, Decimal];
  /** of the account; null without one */
  readonly usedMargin: readonly [Decimal, Decimal] | null;
  readonly freeMargin: readonly [Decimal, Decimal] | null;
  readonly stopLoss: Decimal | null;
  readonly takeProfit: Decimal | null;
}

/** One side of the ticket. order: what would be sent, null while there is a fault. */
export interface Reading {
  readonly order: NewOrder | null;
  readonly faults: readonly Fault[];
  readonly warnings: readonly Warning[];
  readonly summary: Summary | null;
}

const TYPED: Readonly<Record<TypedFault, TicketCode>> = {
  empty: "EMPTY",
  not_a_number: "NOT_A_NUMBER",
  too_many_places: "TOO_MANY_PLACES",
  too_large: "TOO_LARGE",
};

/** Say of a field that its text is no number of the exchange, and how many places it may have. */
export function faultOfTyped(field: Field, fault: TypedFault, places: number): Fault {
  return { field, code: TYPED[fault], ...(fault === "too_many_places" ? { bound: String(places) } : {}) };
}

/** Read the ticket for one side. */
export function readTicket(ticket: Ticket, side: Side, around: Surroundings): Reading {
  const { terms } = around;
  const faults = faultsAround(around);
  const read = (field: Field, text: string, places: number): bigint | null => {
    const typed = readTyped(text, around.locale, places);
    if ("value" in typed) return toUnits(typed.value, places);
    faults.push(faultOfTyped(field, typed.fault, places));
    return null;
  };
  const isByMargin = ticket.sizeBy === "margin";
  const size = read("size", ticket.size, isByMargin ? MONEY_PLACES : terms.quantityDecimals);
  const leverage = read("leverage", ticket.leverage, LEVERAGE_PLACES);
  const slippage = ticket.slippage.trim() === "" ? null : read("slippage", ticket.slippage, LEVERAGE_PLACES);
  if (slippage !== null && (slippage < 0n || slippage > 10_000n)) {
    faults.push({ field: "slippage", code: "SLIPPAGE_OUT_OF_RANGE" });
  }
  if (leverage !== null && (leverage < terms.leverageMin || leverage > terms.leverageMax)) {
    const bound = `${fromUnits(terms.leverageMin, LEVERAGE_PLACES)}–${fromUnits(terms.leverageMax, LEVERAGE_PLACES)}`;
    faults.push({ field: "leverage", code: "LEVERAGE_OUT_OF_RANGE", bound });
  }
  if (size !== null && size <= 0n) faults.push({ field: "size", code: "AMOUNT_NOT_POSITIVE" });
  const { bid, ask } = around;
  const entry = bid === null || ask === null ? null : entryPrice(side, bid, ask);
  const stop = readStop("stop", ticket.stop, side, entry, read, terms);
  const take = readStop("take", ticket.take, side, entry, read, terms);
  for (const [field, price] of [["stop", stop], ["take", take]] as const) {
    if (price !== null && (price <= 0n || price > PRICE_MAX)) faults.push({ field, code: "PRICE_OUT_OF_RANGE" });
  }
  if (size === null || size <= 0n || leverage === null || leverage <= 0n || bid === null || ask === null || entry === null) {
    return { order: null, faults, warnings: [], summary: null };
  }
  const quantity = isByMargin ? quantityOf(size, leverage, entry, terms.tickValue) : size;
  const notional = notionalOf(quantity, entry, terms.tickValue);
  const margin = isByMargin ? size : marginOf(notional, leverage);
  const fee = feeOf(notional, terms.feeRate);
  faults.push(...faultsOfSize(quantity, notional, around));
  faults.push(...faultsOfStops(side, stop, take, exitPrice(side, bid, ask), terms));
  if (quantity === 0n) return { order: null, faults, warnings: [], summary: null };
  const liquidationPrice = liquidationPriceOf({ side, quantity, entryNotional: notional, margin, ...terms });
  if (isOverdue(side, quantity, notional, margin, exitPrice(side, bid, ask), terms)) {
    faults.push({ field: "leverage", code: "LIQUIDATABLE_AT_ONCE" });
  }
  const cost = margin + fee;
  if (around.freeMargin !== null && cost > around.freeMargin) {
    faults.push({ field: "size", code: "INSUFFICIENT_MARGIN", bound: fromMicros(around.freeMargin) });
  }
  const price = (ticks: bigint | null): Decimal | null => (ticks === null ? null : fromUnits(ticks, terms.priceDecimals));
  const summary: Summary = {
    price: fromUnits(entry, terms.priceDecimals),
    quantity: fromUnits(quantity, terms.quantityDecimals),
    notional: fromMicros(notional),
    margin: fromMicros(margin),
    fee: fromMicros(fee),
    liquidationPrice: price(liquidationPrice),
    lossMax: fromMicros(cost),
    openNotional: change(around.openNotional, notional),
    usedMargin: around.usedMargin === null ? null : change(around.usedMargin, margin),
    freeMargin: around.freeMargin === null ? null : change(around.freeMargin, -cost),
    stopLoss: price(stop),
    takeProfit: price(take),
  };
  const asked = {
    symbol: terms.symbol,
    side,
    leverage: fromUnits(leverage, LEVERAGE_PLACES),
    expected_price: summary.price,
    ...(slippage === null ? {} : { slippage_bps: Number(slippage) }),
    ...(summary.stopLoss === null ? {} : { stop_loss: summary.stopLoss }),
    ...(summary.takeProfit === null ? {} : { take_profit: summary.takeProfit }),
  };
  const order: NewOrder = isByMargin ? { ...asked, margin: summary.margin } : { ...asked, quantity: summary.quantity };
  return {
    order: faults.length === 0 ? order : null,
    faults,
    warnings: warningsOf(side, leverage, stop !== null && stop > 0n ? stop : null, liquidationPrice),
    summary,
  };
}

/** A figure of the account before the order and after it. */
function change(before: bigint, by: bigint): readonly [Decimal, Decimal] {
  return [fromMicros(before), fromMicros(before + by)];
}

function faultsAround({ terms, bid, ask, priceState, freeMargin, signedIn, connected }: Surroundings): Fault[] {
  const faults: Fault[] = [];
  if (!connected) faults.push({ field: "market", code: "NO_CONNECTION" });
  if (terms.status === "halted") faults.push({ field: "market", code: "MARKET_HALTED" });
  if (terms.status === "close_only") faults.push({ field: "market", code: "MARKET_CLOSE_ONLY" });
  if (bid === null || ask === null || priceState === "none") faults.push({ field: "market", code: "NO_PRICE" });
  else if (priceState === "unconfirmed") faults.push({ field: "market", code: "PRICE_UNCONFIRMED" });
  else if (priceState === "stale") faults.push({ field: "market", code: "PRICE_STALE" });
  if (!signedIn) faults.push({ field: "account", code: "NOT_SIGNED_IN" });
  else if (freeMargin === null) faults.push({ field: "account", code: "ACCOUNT_UNKNOWN" });
  return faults;
}

/** OPEN-07, OPEN-08. */
function faultsOfSize(quantity: bigint, notional: bigint, { terms, openNotional }: Surroundings): Fault[] {
  const lots = (quantity: bigint): string => fromUnits(quantity, terms.quantityDecimals);
  const faults: Fault[] = [];
  if (quantity < terms.quantityMin) faults.push({ field: "size", code: "BELOW_MINIMUM", bound: lots(terms.quantityMin) });
  if (quantity > terms.quantityMax) faults.push({ field: "size", code: "ABOVE_MAXIMUM", bound: lots(terms.quantityMax) });
  if (notional > terms.notionalMax) {
    faults.push({ field: "size", code: "POSITION_NOTIONAL_LIMIT", bound: fromMicros(terms.notionalMax) });
  }
  if (openNotional + notional > terms.accountNotionalMax) {
    faults.push({ field: "size", code: "ACCOUNT_NOTIONAL_LIMIT", bound: fromMicros(terms.accountNotionalMax) });
  }
  return faults;
}

/** OPEN-09, at the price the position would close at. */
function faultsOfStops(side: Side, stop: bigint | null, take: bigint | null, exit: bigint, terms: Terms): Fault[] {
  const faults: Fault[] = [];
  const bound = fromUnits(exit, terms.priceDecimals);
  if (stop !== null && (side === "long" ? stop >= exit : stop <= exit)) {
    faults.push({ field: "stop", code: "STOP_LOSS_WRONG_SIDE", bound });
  }
  if (take !== null && (side === "long" ? take <= exit : take >= exit)) {
    faults.push({ field: "take", code: "TAKE_PROFIT_WRONG_SIDE", bound });
  }
  return faults;
}

/** OPEN-11. */
function isOverdue(side: Side, quantity: bigint, entryNotional: bigint, margin: bigint, exit: bigint, terms: Terms): boolean {
  const notional = notionalOf(quantity, exit, terms.tickValue);
  const equity = margin + profitOf(side, notional, entryNotional);
  return equity < requirementOf(notional, margin, terms.maintenanceRate, terms.marginFloorRate);
}

/** Whether a position does not live to see its stop. Prices in ticks. */
export function isBeyond(side: Side, stop: bigint, liquidation: bigint): boolean {
  return side === "long" ? stop <= liquidation : stop >= liquidation;
}

/** OPEN-10. */
function warningsOf(side: Side, leverage: bigint, stop: bigint | null, liquidation: bigint | null): Warning[] {
  const warnings: Warning[] = [];
  if (leverage > HIGH_LEVERAGE) warnings.push("HIGH_LEVERAGE");
  if (stop !== null && liquidation !== null && isBeyond(side, stop, liquidation)) warnings.push("STOP_BEYOND_LIQUIDATION");
  return warnings;
}

/** A stop or a take in ticks: as typed, or so many percent from the entry, on the side where it would close. */
function readStop(
  field: "stop" | "take",
  { by, text }: StopText,
  side: Side,
  entry: bigint | null,
  read: (field: Field, text: string, places: number) => bigint | null,
  terms: Terms,
): bigint | null {
  if (text.trim() === "") return null;
  if (by === "price") return read(field, text, terms.priceDecimals);
  const percent = read(field, text, PERCENT_PLACES);
  if (percent === null || entry === null) return null;
  const isBelow = (side === "long") === (field === "stop");
  // Towards the entry, so that it is never further away than was asked for.
  return isBelow
    ? divCeil(entry * (WHOLE_PERCENT - percent), WHOLE_PERCENT)
    : divFloor(entry * (WHOLE_PERCENT + percent), WHOLE_PERCENT);
}
