/** What a chart may show at a step: nothing of what came later. Prices are drawn as floats, and never calculated with. */

import type { schemas } from "reprise-client";

export interface Bar {
  readonly start: string;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
}

/** The candles that had begun by a time; the last one ends at the price of the step, as no later one is known yet. */
export function barsUpTo(
  candles: readonly schemas.ReplayCandle[],
  time: string,
  price: schemas.ReplayPrice | undefined,
): readonly Bar[] {
  const now = Date.parse(time);
  const begun = candles.filter((candle) => Date.parse(candle.start) <= now);
  const middle = price?.bid && price.ask ? (Number(price.bid) + Number(price.ask)) / 2 : null;
  return begun.map((candle, at) => {
    const { start } = candle;
    const open = Number(candle.open);
    if (at < begun.length - 1 || middle === null) {
      return { start, open, high: Number(candle.high), low: Number(candle.low), close: Number(candle.close) };
    }
    return { start, open, high: Math.max(open, middle), low: Math.min(open, middle), close: middle };
  });
}
