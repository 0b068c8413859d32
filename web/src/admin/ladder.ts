/** The liquidation ladder as rows of a table: one market's or all together's, falls before rises. */

import { type Decimal, type schemas, toMicros } from "reprise-client";

/** A move of prices and what it liquidates. share: of the largest notional of the table, 0 to 100, for a bar. */
export interface Step {
  readonly id: string;
  /** percent, with its sign */
  readonly move: Decimal;
  readonly price: Decimal | null;
  readonly positions: number;
  readonly accounts: number;
  /** as entered: it grows with the move, as what is liquidated does */
  readonly notional: Decimal;
  readonly shortfall: Decimal;
  readonly share: number;
}

export interface Steps {
  readonly falls: readonly Step[];
  readonly rises: readonly Step[];
}

/** Give a market's steps, or those of all together. A fall liquidates longs, a rise shorts. */
export function stepsOf(ladder: schemas.Ladder, symbol: string | null): Steps {
  const rungs: readonly (schemas.JointRung & { readonly price?: Decimal })[] =
    symbol === null ? ladder.together : ladder.items.filter((each) => each.symbol === symbol);
  const largest = rungs.reduce((most, each) => (toMicros(each.entry_notional) > most ? toMicros(each.entry_notional) : most), 0n);
  const of = (side: "long" | "short"): readonly Step[] =>
    rungs
      .filter((each) => each.side === side)
      .map((each) => ({
        id: `${side} ${each.move}`,
        move: side === "long" ? `-${each.move}` : each.move,
        price: each.price ?? null,
        positions: each.positions,
        accounts: each.accounts,
        notional: each.entry_notional,
        shortfall: each.shortfall,
        share: shareOf(toMicros(each.entry_notional), largest),
      }));
  return { falls: of("long"), rises: of("short") };
}

/** Give a part of a whole in percent, to a tenth; whatever is there at all can be seen. */
export function shareOf(part: bigint, whole: bigint): number {
  if (whole === 0n || part === 0n) return 0;
  return Math.max(1, Number((part * 1000n) / whole) / 10);
}

/** Give the markets that have a ladder. */
export function symbolsOf(ladder: schemas.Ladder): readonly string[] {
  return [...new Set(ladder.items.map((each) => each.symbol))];
}
