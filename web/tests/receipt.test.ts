/** A receipt shows what was compared, and the moment of the close as it was. */

import type { schemas } from "reprise-client";
import { describe, expect, test } from "vitest";
import { AFTER_MIN, BEFORE_MIN, HEIGHT, type Level, feedAt, momentOf, periodOf } from "../src/receipt/moment.ts";
import { inequalityOf } from "../src/receipt/rule.ts";

const CLOSED_AT = "2026-03-01T12:00:30.500000Z";

function receipt(of: Partial<schemas.Receipt>): schemas.Receipt {
  const tick = { bid: "49900.0", ask: "49900.1", source_time: CLOSED_AT, command_offset: 7 };
  return { side: "long", rule: "stop_loss", trigger_price: "49900.0", equity: "24.62", requirement: "24.6231", tick, ...of } as schemas.Receipt;
}

function candle(minute: number, low: string, high: string, source: schemas.Candle["source"] = "simulated"): schemas.Candle {
  const start = new Date(Date.parse("2026-03-01T12:00:00Z") + minute * 60_000).toISOString();
  return { symbol: "BTC_USDC", interval: "1m", start, open: low, high, low, close: high, ticks: 1, closed: true, source };
}

function said(of: Partial<schemas.Receipt>): string {
  const { left, sign, right } = inequalityOf(receipt(of)) ?? { left: { name: "", value: "" }, sign: "", right: { name: "", value: "" } };
  return `${left.name} ${left.value} ${sign} ${right.name} ${right.value}`.trim();
}

describe("UI-RECEIPT-02 both sides of the inequality that closed it are shown", () => {
  test.each([
    [{ rule: "liquidation" }, "equity 24.62 < requirement 24.6231"],
    [{ rule: "stop_loss" }, "bid 49900.0 ≤ stop 49900.0"],
    [{ rule: "stop_loss", side: "short" }, "ask 49900.1 ≥ stop 49900.0"],
    [{ rule: "take_profit" }, "bid 49900.0 ≥ take 49900.0"],
    [{ rule: "take_profit", side: "short" }, "ask 49900.1 ≤ take 49900.0"],
    [{ rule: "manual", trigger_price: null }, ""],
  ] as const)("of %o", (of, shown) => {
    expect(said(of)).toBe(shown);
  });
});

describe("UI-RECEIPT-04 the chart of the moment has the minutes around the close", () => {
  const levels: readonly Level[] = [
    { kind: "entry", price: "100" },
    { kind: "trigger", price: "99" },
    { kind: "exit", price: "98.9" },
  ];

  test("it asks for the minutes before and after", () => {
    expect(periodOf(CLOSED_AT)).toEqual({ from: "2026-03-01T11:20:00.000Z", to: "2026-03-01T12:16:00.000Z" });
  });

  test("a higher price is drawn higher, and the close stands in its minute", () => {
    const { bars, levels: drawn, x, end } = momentOf([candle(-1, "99", "101"), candle(0, "98", "99")], CLOSED_AT, levels);
    const [before, at] = bars;
    expect(before!.high).toBeLessThan(at!.high);
    expect(Math.abs(at!.x - x)).toBeLessThan(end / (BEFORE_MIN + AFTER_MIN + 1));
    expect(drawn.map((level) => level.kind)).toEqual(["entry", "trigger", "exit"]);
    expect(drawn.every((level, index) => index === 0 || level.y > drawn[index - 1]!.y)).toBe(true);
  });

  test("labels keep off each other and stay in the drawing", () => {
    const near: readonly Level[] = ["100", "100.001", "100.002"].map((price, at) => ({ kind: levels[at]!.kind, price }));
    for (const [low, high] of [["100", "105"], ["95", "100.002"], ["95", "105"]] as const) {
      const places = momentOf([candle(0, low, high)], CLOSED_AT, near).levels.map((level) => level.at);
      expect(places.every((place, at) => at === 0 || place - places[at - 1]! >= 15)).toBe(true);
      expect(Math.max(...places)).toBeLessThanOrEqual(HEIGHT);
    }
  });

  test("a level far away stays at the edge, with its direction, and squeezes nothing", () => {
    const far: readonly Level[] = [{ kind: "entry", price: "5000" }, { kind: "exit", price: "98.9" }];
    const { bars, levels: drawn } = momentOf([candle(0, "98", "99")], CLOSED_AT, far);
    expect(drawn[0]).toMatchObject({ kind: "entry", away: "above" });
    expect(bars[0]!.low - bars[0]!.high).toBeGreaterThan(HEIGHT / 2);
  });

  test("without any movement there is still a line", () => {
    const { bars } = momentOf([candle(0, "100", "100")], CLOSED_AT, [{ kind: "exit", price: "100" }]);
    expect(bars[0]!.high).toBeGreaterThan(0);
    expect(Number.isFinite(bars[0]!.high)).toBe(true);
  });
});

test("UI-RECEIPT-05 the feed of a receipt is the one that its minute was made of", () => {
  const minutes = [candle(-1, "1", "2", "recorded"), candle(0, "1", "2", "backpack"), candle(1, "1", "2", "simulated")];
  expect(feedAt(minutes, CLOSED_AT)).toBe("backpack");
  expect(feedAt([candle(1, "1", "2")], CLOSED_AT)).toBeNull();
});
