/** Which lines the chart has for open positions. Prices are drawn as floats; what is proposed is read back in ticks. */

import { type Decimal, fromUnits, type schemas } from "reprise-client";
import { PRICE_MAX } from "../rules/position.ts";

export type LineKind = "entry" | "stop" | "take" | "liquidation";

export interface Line {
  readonly positionId: string;
  readonly kind: LineKind;
  readonly side: "long" | "short";
  readonly price: Decimal;
}

/** Of a symbol's open positions: entry, and stop, take and liquidation where there are any. */
export function linesOf(positions: readonly schemas.Position[], symbol: string): readonly Line[] {
  return positions
    .filter((position) => position.symbol === symbol)
    .flatMap((position) => {
      const of: readonly (readonly [LineKind, Decimal | null])[] = [
        ["entry", position.entry_price],
        ["stop", position.stop_loss],
        ["take", position.take_profit],
        ["liquidation", position.liquidation_price],
      ];
      return of.flatMap(([kind, price]) =>
        price === null ? [] : [{ positionId: position.id, kind, side: position.side, price }],
      );
    });
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
