/** What open positions are worth at the prices of now, by the exchange's own formulas. */

import { fromMicros, fromUnits, toMicros, toUnits, type Decimal, type schemas } from "reprise-client";
import { divFloor } from "./division.ts";
import { exitPrice, notionalOf, profitOf } from "./position.ts";
import type { Terms } from "./terms.ts";

const PERCENT_PLACES = 2;

/** Give the profit of an open position at a price, in micros; null where there is none to close it at. */
export function profitNow(position: schemas.Position, ticker: schemas.Ticker | undefined, terms: Terms | undefined): bigint | null {
  if (terms === undefined || !ticker?.bid || !ticker.ask) return null;
  const ticks = (price: Decimal): bigint => toUnits(price, terms.priceDecimals);
  const quantity = toUnits(position.quantity, terms.quantityDecimals);
  const now = notionalOf(quantity, exitPrice(position.side, ticks(ticker.bid), ticks(ticker.ask)), terms.tickValue);
  return profitOf(position.side, now, notionalOf(quantity, ticks(position.entry_price), terms.tickValue));
}

/** Give the price an open position would close at; null without one. */
export function exitNow(position: schemas.Position, ticker: schemas.Ticker | undefined): Decimal | null {
  return (position.side === "long" ? ticker?.bid : ticker?.ask) ?? null;
}

/** Give ask less bid; null without a price. */
export function spreadOf(ticker: schemas.Ticker | undefined, terms: Terms | undefined): Decimal | null {
  if (terms === undefined || !ticker?.bid || !ticker.ask) return null;
  const { priceDecimals } = terms;
  return fromUnits(toUnits(ticker.ask, priceDecimals) - toUnits(ticker.bid, priceDecimals), priceDecimals);
}

/** A figure as percent of another, rounded down to hundredths; null of nothing. */
export function percentOf(part: bigint, whole: bigint): Decimal | null {
  return whole > 0n ? fromUnits(divFloor(part * 10_000n, whole), PERCENT_PLACES) : null;
}

export type Health = "none" | "safe" | "watch" | "danger";

/** An account at the prices of now. unrealised, equity: null while a position has no price. */
export interface Standing {
  readonly balance: Decimal;
  readonly usedMargin: Decimal;
  readonly freeMargin: Decimal;
  readonly unrealised: Decimal | null;
  readonly equity: Decimal | null;
  /** equity as percent of the used margin; null without a position */
  readonly marginLevel: Decimal | null;
  readonly health: Health;
}

const DANGER_PERCENT = 2_000n; // hundredths: a position is liquidated near 5 % of its margin at the latest
const WATCH_PERCENT = 5_000n;

export function standingOf(account: schemas.Account, profits: readonly (bigint | null)[]): Standing {
  const balance = toMicros(account.balance);
  const usedMargin = toMicros(account.used_margin);
  const unrealised = profits.includes(null) ? null : (profits as readonly bigint[]).reduce((sum, each) => sum + each, 0n);
  const equity = unrealised === null ? null : balance + unrealised;
  // Of what the positions hold: free margin answers for none of them.
  const held = unrealised === null || usedMargin === 0n ? null : divFloor((usedMargin + unrealised) * 10_000n, usedMargin);
  return {
    balance: account.balance,
    usedMargin: account.used_margin,
    freeMargin: account.free_margin,
    unrealised: unrealised === null ? null : fromMicros(unrealised),
    equity: equity === null ? null : fromMicros(equity),
    marginLevel: equity === null ? null : percentOf(equity, usedMargin),
    health: held === null ? "none" : held < DANGER_PERCENT ? "danger" : held < WATCH_PERCENT ? "watch" : "safe",
  };
}
