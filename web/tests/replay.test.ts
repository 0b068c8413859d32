/** What a step changed, how long its turn is, and which moment somebody typed. */

import { describe, expect, test } from "vitest";
import { replayOf } from "../src/addresses.ts";
import { figuresOf, joined, ledgerBefore, markAt, momentOf, periodOf, positionsAt, positionsOf, speedAfter, turnOf } from "../src/replay/changes.ts";
import { barsUpTo, placesOf } from "../src/replay/candles.ts";
import { eventInWords } from "../src/replay/words.ts";

const ledger = (changed: object): never =>
  ({ balance: "5000.000000", equity: "5000.000000", cash: "5000.000000", used_margin: "0.000000", unrealized_pnl: "0.000000", positions: [], prices: [], ...changed }) as never;
const position = (changed: object): object => ({ position_id: "0-1", symbol: "BTC_USDC", side: "long", quantity: "0.1", margin: "100", stop_loss: null, take_profit: null, liquidation_price: "1", unrealized_pnl: "0", ...changed });
const step = (offset: number, changed: object = {}): never => ({ offset, before: null, ledger: null, events: [], ...changed }) as never;

describe("UI-REPLAY-03 what a step changed is marked with what it was", () => {
  test("a figure that is another has the one before beside it", () => {
    const changed = figuresOf(ledger({}), ledger({ cash: "4900.000000", used_margin: "100.000000" })).filter((each) => each.before !== null);
    expect(changed.map(({ name, before }) => [name, before])).toEqual([["cash", "5000.000000"], ["used_margin", "0.000000"]]);
    expect(figuresOf(null, ledger({})).every((each) => each.before === null)).toBe(true);
  });

  test("a position is opened, changed, closed, or the same; its profit alone changes nothing", () => {
    const marks = (before: object[], after: object[]): string[] =>
      positionsOf(ledger({ positions: before }), ledger({ positions: after })).map((each) => each.mark);
    expect(marks([], [position({})])).toEqual(["opened"]);
    expect(marks([position({})], [])).toEqual(["closed"]);
    expect(marks([position({})], [position({ unrealized_pnl: "7" })])).toEqual(["same"]);
    expect(marks([position({})], [position({ stop_loss: "2" })])).toEqual(["changed"]);
    expect(marks([position({}), position({ position_id: "0-2" })], [position({})])).toEqual(["same", "closed"]);
  });

  test("the ledger before a step is its own, or that of the step before it", () => {
    const one = ledger({ cash: "1" });
    const two = ledger({ cash: "2" });
    expect(ledgerBefore([step(1, { ledger: one }), step(2)], 1)).toBe(one);
    expect(ledgerBefore([step(1, { ledger: one }), step(2, { before: two })], 1)).toBe(two);
    expect(ledgerBefore([step(1)], 0)).toBeNull();
  });
});

describe("UI-REPLAY-05 a silence lasts a second at most, at any speed", () => {
  test.each([
    ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.500Z", 1, 500],
    ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.500Z", 10, 50],
    ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", 1, 1000],
    ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", 1000, 1000],
    ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", 1, 16],
  ] as const)("from %s to %s at %i", (from, to, speed, turn) => {
    expect(turnOf(from, to, speed)).toBe(turn);
  });

  test("the speeds are 1, 10, 100 and 1,000, and faster ones pass over prices", () => {
    expect([speedAfter(1, -1), speedAfter(1, 1), speedAfter(100, 1), speedAfter(1000, 1)]).toEqual([1, 10, 1000, 1000]);
    expect([periodOf(1), periodOf(10), periodOf(1000)]).toEqual([0, 200, 20_000]);
  });
});

describe("UI-REPLAY-06 a moment is a time, an offset or a position", () => {
  test.each([
    ["4711", { offset: 4711 }],
    [" 0-12 ", { position: "0-12" }],
    ["2026-01-31T12:00:00Z", { at: "2026-01-31T12:00:00.000Z" }],
    ["yesterday", null],
    ["", null],
    ["2026-13-31", null],
  ])("%s", (text, moment) => {
    expect(momentOf(text)).toEqual(moment);
  });

  test("each place has an address", () => {
    expect(replayOf({})).toBe("/replay");
    expect(replayOf({ position: "0-12" })).toBe("/replay?position=0-12");
    expect(replayOf({ account: "a&b", offset: 3 })).toBe("/replay?account=a%26b&offset=3");
  });
});

describe("UI-REPLAY-04 steps are loaded page by page", () => {
  test("each step is there once, in order, and no more than so many", () => {
    const offsets = (steps: readonly { readonly offset: number }[]): number[] => steps.map((each) => each.offset);
    const loaded = [step(3), step(4)];
    expect(offsets(joined(loaded, [step(4), step(5)], "behind", 10))).toEqual([3, 4, 5]);
    expect(offsets(joined(loaded, [step(1), step(2)], "before", 10))).toEqual([1, 2, 3, 4]);
    expect(offsets(joined(loaded, [step(5), step(6)], "behind", 3))).toEqual([4, 5, 6]);
    expect(offsets(joined(loaded, [step(1), step(2)], "before", 3))).toEqual([1, 2, 3]);
  });

  test("the mark of an offset is the last one not behind it", () => {
    const marks = [2, 5, 9].map((offset) => ({ offset }) as never);
    expect([1, 2, 4, 5, 100].map((offset) => markAt(marks, offset))).toEqual([0, 0, 0, 1, 2]);
  });
});

describe("UI-REPLAY-07 an event is said on one line", () => {
  test.each([
    [{ type: "PositionClosed", side: "long", symbol: "BTC_USDC", reason: "stop_loss", figures: { quantity: "0.1", price: "49000.0", profit: "-5" } }, "Position closed: long, 0.1, BTC_USDC, at 49000.0, profit -5, stop loss"],
    [{ type: "CommandRejected", rejection: "NO_PRICE" }, "Refused: There is no price yet."],
    [{ type: "PricesUpdated", ticks: [{ symbol: "BTC_USDC", bid: "1.0", ask: "1.1" }] }, "Prices: BTC_USDC 1.0 / 1.1"],
    [{ type: "StopsAmended", symbol: "BTC_USDC", figures: { stop_loss: "2" } }, "Stops changed: BTC_USDC, stop 2, take none"],
    [{ type: "SomethingNew" }, "SomethingNew"],
  ])("%o", (event, line) => {
    const whole = { figures: {}, ticks: [], side: null, symbol: null, reason: null, rejection: null, ...event };
    expect(eventInWords(whole as never, (digits) => digits)).toBe(line);
  });
});

describe("UI-REPLAY-17 the chart shows nothing that came later than the step", () => {
  const candle = (start: string, close: string): never => ({ start, open: "10.5", high: "99", low: "1", close }) as never;
  const candles = [candle("2026-01-01T00:00:00Z", "11.5"), candle("2026-01-01T00:01:00Z", "12.5"), candle("2026-01-01T00:02:00Z", "13.5")];

  test("candles that had not begun are left out, and the last one ends at the step's price", () => {
    const bars = barsUpTo(candles, "2026-01-01T00:01:30Z", { symbol: "BTC_USDC", bid: "8.0", ask: "9.0" });
    expect(bars).toEqual([
      { start: "2026-01-01T00:00:00Z", open: 10.5, high: 99, low: 1, close: 11.5 },
      { start: "2026-01-01T00:01:00Z", open: 10.5, high: 10.5, low: 8.5, close: 8.5 },
    ]);
  });

  test("without a price the last candle is no more than its beginning", () => {
    expect(barsUpTo(candles, "2026-01-01T00:01:30Z", undefined)).toEqual([
      { start: "2026-01-01T00:00:00Z", open: 10.5, high: 99, low: 1, close: 11.5 },
      { start: "2026-01-01T00:01:00Z", open: 10.5, high: 10.5, low: 10.5, close: 10.5 },
    ]);
    expect(barsUpTo(candles, "2025-12-31T00:00:00Z", undefined)).toEqual([]);
  });
});

describe("UI-REPLAY-18 the chart's lines are of what the step is about, its prices as the person writes them", () => {
  const about = (...ids: string[]): object => ({ events: ids.map((id) => ({ own: true, position_id: id })) });
  const lined = (at: never, before: never): string[] => positionsAt(at, before, "BTC_USDC").map((each) => each.position_id);
  const both = ledger({ positions: [position({}), position({ position_id: "0-2" }), position({ position_id: "0-3", symbol: "ETH_USDC" })] });

  test("a position that the step closed keeps its lines, and no other's stand for them", () => {
    const after = ledger({ positions: [position({ position_id: "0-2" })] });
    expect(lined(step(2, { ledger: after, ...about("0-1") }), both)).toEqual(["0-1"]);
  });

  test("a step about none of the symbol's positions has all of them", () => {
    expect(lined(step(2, { ledger: both }), both)).toEqual(["0-1", "0-2"]);
    expect(lined(step(2, { ledger: both, ...about("0-3") }), both)).toEqual(["0-1", "0-2"]);
    expect(lined(step(2), both)).toEqual([]);
  });

  test("prices have the places that the log writes them with", () => {
    expect(placesOf([{ start: "", open: "50000.0", high: "", low: "", close: "" }], undefined)).toBe(1);
    expect(placesOf([], { symbol: "SOL_USDC", bid: "100.25", ask: "100.26" })).toBe(2);
    expect(placesOf([], { symbol: "SOL_USDC", bid: null, ask: null })).toBe(0);
  });
});
