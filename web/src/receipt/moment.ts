/** Where the small chart of a close draws what: minutes as bars, levels as lines. Prices are drawn as floats. */

import type { Decimal, schemas } from "reprise-client";

export const WIDTH = 640;
export const HEIGHT = 220;
export const BEFORE_MIN = 40;
export const AFTER_MIN = 15;
const LABELS = 170; // of the width, at the right
const EDGE = 14; // above and below
const LABEL_PX = 16; // from one label to the next, at least
const MINUTE_MS = 60_000;

export type LevelKind = "entry" | "trigger" | "exit";

export interface Level {
  readonly kind: LevelKind;
  readonly price: Decimal;
}

export interface Bar {
  readonly x: number;
  readonly width: number;
  readonly high: number;
  readonly low: number;
  /** the upper and the lower end of the body */
  readonly top: number;
  readonly bottom: number;
  readonly rose: boolean;
}

export interface Moment {
  readonly bars: readonly Bar[];
  /** y: of the line; at: of its label, which keeps off the other labels; away: it lies beyond the drawn prices */
  readonly levels: readonly (Level & { readonly y: number; readonly at: number; readonly away: "" | "above" | "below" })[];
  /** of the close */
  readonly x: number;
  readonly end: number;
}

/** Give the minutes to ask for: some before a close and some after it. */
export function periodOf(closedAt: string): { readonly from: string; readonly to: string } {
  const minute = Math.floor(Date.parse(closedAt) / MINUTE_MS) * MINUTE_MS;
  return {
    from: new Date(minute - BEFORE_MIN * MINUTE_MS).toISOString(),
    to: new Date(minute + (AFTER_MIN + 1) * MINUTE_MS).toISOString(),
  };
}

/** Give where the prices of a close came from: what its minute was made of; null where there is none. */
export function feedAt(candles: readonly schemas.Candle[], closedAt: string): schemas.Candle["source"] | null {
  const until = Date.parse(closedAt);
  return candles.filter((candle) => Date.parse(candle.start) <= until).at(-1)?.source ?? null;
}

/** Lay out the candles of that period, oldest first. A level further away than the prices moved stays at the edge. */
export function momentOf(candles: readonly schemas.Candle[], closedAt: string, levels: readonly Level[]): Moment {
  const { from, to } = periodOf(closedAt);
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const right = WIDTH - LABELS;
  const width = right / (BEFORE_MIN + AFTER_MIN + 1);
  const x = (time: number): number => ((time - start) / (end - start)) * right;
  const [least, most] = rangeOf(candles, levels);
  const y = (price: number): number => EDGE + ((most - price) / (most - least)) * (HEIGHT - 2 * EDGE);
  const bars = candles.map((candle) => {
    const [open, close] = [Number(candle.open), Number(candle.close)];
    return {
      x: round(x(Date.parse(candle.start)) + width / 2),
      width: round(width * 0.7),
      high: round(y(Number(candle.high))),
      low: round(y(Number(candle.low))),
      top: round(y(Math.max(open, close))),
      bottom: round(y(Math.min(open, close))),
      rose: close >= open,
    };
  });
  const drawn = levels
    .map((level) => {
      const price = Number(level.price);
      const away = price > most ? ("above" as const) : price < least ? ("below" as const) : ("" as const);
      return { ...level, away, y: round(y(Math.min(most, Math.max(least, price)))) };
    })
    .sort((one, other) => one.y - other.y);
  return { bars, levels: spread(drawn), x: round(x(Date.parse(closedAt))), end: right };
}

/** The prices that are drawn: all of the candles, the exit, and other levels up to twice as far. */
function rangeOf(candles: readonly schemas.Candle[], levels: readonly Level[]): readonly [number, number] {
  const exits = levels.filter((level) => level.kind === "exit").map((level) => Number(level.price));
  const core = [...candles.flatMap((candle) => [Number(candle.low), Number(candle.high)]), ...exits];
  let [least, most] = [Math.min(...core), Math.max(...core)];
  const reach = (most - least) * 2;
  for (const price of levels.map((level) => Number(level.price))) {
    if (price >= least - reach && price <= most + reach) [least, most] = [Math.min(least, price), Math.max(most, price)];
  }
  const leastRoom = most * 0.0001;
  return most - least < leastRoom ? [least - leastRoom, most + leastRoom] : [least, most];
}

/** Move labels down where they would overlap, and back up where they would leave the drawing. */
function spread<T extends { readonly y: number }>(sorted: readonly T[]): readonly (T & { readonly at: number })[] {
  const places = sorted.map((each) => each.y);
  for (let each = 1; each < places.length; each++) {
    places[each] = Math.max(places[each] ?? 0, (places[each - 1] ?? 0) + LABEL_PX);
  }
  let limit = HEIGHT - EDGE / 2;
  for (let each = places.length - 1; each >= 0; each--) {
    places[each] = Math.min(places[each] ?? 0, limit);
    limit = (places[each] ?? 0) - LABEL_PX;
  }
  return sorted.map((each, at) => ({ ...each, at: round(places[at] ?? each.y) }));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
