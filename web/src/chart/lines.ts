/** Which lines the chart has for open positions. Prices are drawn as floats; what is proposed is read back in ticks. */

import { type Decimal, fromUnits, type schemas } from "reprise-client";
import { PRICE_MAX } from "../rules/position.ts";

export type LineKind = "entry" | "stop" | "take" | "liquidation";

export interface Line {
  /** of several positions with the same line, the last opened */
  readonly positionId: string;
  readonly kind: LineKind;
  readonly side: "long" | "short";
  readonly price: Decimal;
  readonly isLabelled: boolean;
}

/** How many lines carry a label on the price axis; more would hide each other, and cost every frame. */
const LABELLED_MAX = 24;

/** Of a symbol's open positions, the last opened first: entry, and stop, take and liquidation, each place once. */
export function linesOf(positions: readonly schemas.Position[], symbol: string): readonly Line[] {
  const lines = new Map<string, Line>();
  for (const position of positions) {
    if (position.symbol !== symbol) continue;
    const of: readonly (readonly [LineKind, Decimal | null])[] = [
      ["entry", position.entry_price],
      ["stop", position.stop_loss],
      ["take", position.take_profit],
      ["liquidation", position.liquidation_price],
    ];
    for (const [kind, price] of of) {
      if (price === null) continue;
      const place = `${kind} ${position.side} ${price}`;
      if (lines.has(place)) continue;
      lines.set(place, { positionId: position.id, kind, side: position.side, price, isLabelled: lines.size < LABELLED_MAX });
    }
  }
  return [...lines.values()];
}

/** Name what is drawn. */
export function nameOf({ kind, side, price, isLabelled }: Line): string {
  return `${kind} ${side} ${price} ${isLabelled}`;
}

export function isMovable(line: Line): boolean {
  return line.kind === "stop" || line.kind === "take";
}

/** Read a place on the chart as a price of the exchange: the nearest tick; null where there is none. */
export function nearestTick(price: number, priceDecimals: number): Decimal | null {
  if (!Number.isFinite(price)) return null;
  const ticks = BigInt(Math.round(price * 10 ** priceDecimals));
  return ticks >= 1n && ticks <= PRICE_MAX ? fromUnits(ticks, priceDecimals) : null;
}
