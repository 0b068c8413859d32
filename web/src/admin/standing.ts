/** What the exchange's own figures come to at a glance. */

import { type Decimal, fromMicros, type schemas, toMicros } from "reprise-client";

/** All markets together, in USDC. */
export interface Totals {
  readonly long: Decimal;
  readonly short: Decimal;
  readonly net: Decimal;
  readonly profit: Decimal;
  readonly positions: number;
}

/** Sum the markets. */
export function totalsOf(markets: readonly schemas.MarketExposure[]): Totals {
  const sum = (figure: (market: schemas.MarketExposure) => Decimal): Decimal =>
    fromMicros(markets.reduce((total, market) => total + toMicros(figure(market)), 0n));
  return {
    long: sum((market) => market.long.notional),
    short: sum((market) => market.short.notional),
    net: sum((market) => market.net_notional),
    profit: sum((market) => market.unrealized_pnl),
    positions: markets.reduce((total, { long, short }) => total + long.positions + short.positions, 0),
  };
}

/** The price that was heard longest ago, and how many are fresh. */
export interface FeedStanding {
  readonly fresh: number;
  readonly all: number;
  readonly oldest: { readonly symbol: string; readonly ageMs: number } | null;
}

export function feedStanding({ prices }: schemas.Feed): FeedStanding {
  let oldest: FeedStanding["oldest"] = null;
  for (const { symbol, age_ms: ageMs } of prices) {
    if (ageMs !== null && (oldest === null || ageMs > oldest.ageMs)) oldest = { symbol, ageMs };
  }
  return { fresh: prices.filter((each) => each.state === "fresh").length, all: prices.length, oldest };
}

/** How many shards are late, and the greatest age of the tables. */
export interface LagStanding {
  readonly late: number;
  readonly ageMs: number | null;
}

const LATE_MS = 10_000;

/**
 * Where prices come many times a second some event is always on its way: a shard is late where the engine has not executed
 * what was in the log when it was last looked at, or where the tables have not been whole for ten seconds.
 */
export function lagStanding({ shards }: schemas.Lag): LagStanding {
  const isLate = ({ commands, executed, projection_age_ms: ageMs, state }: schemas.ShardLag): boolean =>
    (commands !== null && commands > executed) || (ageMs === null ? state === "behind" : ageMs > LATE_MS);
  const ages = shards.flatMap(({ projection_age_ms: ageMs }) => (ageMs === null ? [] : [ageMs]));
  return { late: shards.filter(isLate).length, ageMs: ages.length === 0 ? null : Math.max(...ages) };
}

/** Why a person may not approve a transfer; null where they may. */
export function whyNotApprove(transfer: schemas.Transfer, userId: string): "own" | "approved" | null {
  const by = (act: schemas.TransferAct["act"]): boolean => transfer.acts.some((each) => each.act === act && each.user_id === userId);
  if (by("requested")) return "own";
  return by("approved") ? "approved" : null;
}
