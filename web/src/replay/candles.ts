/** What a chart may show at a step: nothing of what came later. Prices are drawn as floats, and never calculated with. */

import type { schemas } from "reprise-client";

export interface Bar {
  readonly start: string;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
}

/** Decimal places of the prices as the log has them, which writes each of a symbol with the same. */
export function placesOf(candles: readonly schemas.ReplayCandle[], price: schemas.ReplayPrice | undefined): number {
  const digits = candles[0]?.open ?? price?.bid ?? price?.ask ?? "";
  return digits.split(".")[1]?.length ?? 0;
}

/**
 * The candles that had begun by a time. What the last one became is not known yet: it ends at the price of the step, and
 * where there is none, at the price it began with.
 */
export function barsUpTo(
  candles: readonly schemas.ReplayCandle[],
  time: string,
  price: schemas.ReplayPrice | undefined,
): readonly Bar[] {
  const now = Date.parse(time);
  const begun = candles.filter((candle) => Date.parse(candle.start) <= now);
  const middle = price?.bid && price.ask ? (Number(price.bid) + Number(price.ask)) / 2 : undefined;
  return begun.map((candle, at) => {
    const { start } = candle;
    const open = Number(candle.open);
    if (at < begun.length - 1) {
      return { start, open, high: Number(candle.high), low: Number(candle.low), close: Number(candle.close) };
    }
    const close = middle ?? open;
    return { start, open, high: Math.max(open, close), low: Math.min(open, close), close };
  });
}
