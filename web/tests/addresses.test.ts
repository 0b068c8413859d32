/** UI-ADDRESS-01: the addresses of the screen are a closed list. */

import { describe, expect, test } from "vitest";
import { linesOf, nearestTick } from "../src/chart/lines.ts";
import { placeOf, receiptOf, tradeOf } from "../src/addresses.ts";
import { ROW_PX, shownOf } from "../src/parts/window.ts";

describe("UI-ADDRESS-01 the addresses of the screen are a closed list", () => {
  test.each([
    ["/", { view: "home" }],
    ["/login", { view: "login" }],
    ["/register", { view: "register" }],
    ["/replay", { view: "replay" }],
    ["/admin", { view: "admin" }],
    ["/account", { view: "account" }],
    ["/account/", null],
    [tradeOf("BTC_USDC"), { view: "trade", symbol: "BTC_USDC" }],
    [receiptOf("2-17"), { view: "receipt", positionId: "2-17" }],
    ["/trade/btc", null],
    ["/trade/BTC_USDC/", null],
    ["/trade/../admin", null],
    ["/positions/17", null],
    ["/positions/<script>", null],
    ["/toString", null],
    ["/constructor", null],
    ["", null],
  ])("%s", (path, place) => {
    expect(placeOf(path)).toEqual(place);
  });
});

describe("UI-TABLE-01 of a table of any length at most 100 rows are in the document", () => {
  test.each([0, 1, 99, 100, 101, 10_000])("%i rows", (rows) => {
    for (let top = 0; top <= rows * ROW_PX + 1_000; top += 97) {
      const { start, end, before, after } = shownOf(rows, top, 400);
      expect(end - start).toBeLessThanOrEqual(100);
      expect(before + (end - start) * ROW_PX + after).toBe(rows * ROW_PX);
      const first = Math.min(Math.floor(top / ROW_PX), Math.max(0, rows - 1));
      if (rows > 0) {
        expect(start).toBeLessThanOrEqual(first);
        expect(end).toBeGreaterThanOrEqual(Math.min(rows, first + 10));
      }
    }
  });
});

describe("UI-CHART-01 a line's new place is the nearest tick", () => {
  test.each([
    [59813.14, 1, "59813.1"],
    [0.04, 1, null],
    [-5, 1, null],
    [Number.NaN, 1, null],
    [100_000_001, 1, null],
  ])("%d", (price, decimals, tick) => {
    expect(nearestTick(price, decimals)).toBe(tick);
  });

  test("a position has lines for what it has", () => {
    const position = { id: "0-1", symbol: "BTC_USDC", side: "long", entry_price: "1.0", stop_loss: null, take_profit: "2.0", liquidation_price: "0.5" };
    const lines = linesOf([position as never], "BTC_USDC");
    expect(lines.map((line) => [line.kind, line.price])).toEqual([["entry", "1.0"], ["take", "2.0"], ["liquidation", "0.5"]]);
    expect(linesOf([position as never], "ETH_USDC")).toEqual([]);
  });

  test("UI-CHART-02 lines of one place are one, the last opened position's, and the first twenty-four carry labels", () => {
    const opened = (number: number): unknown => ({
      id: `0-${number}`, symbol: "BTC_USDC", side: "long", entry_price: String(number >> 1), stop_loss: null, take_profit: null, liquidation_price: null,
    });
    const lines = linesOf(Array.from({ length: 60 }, (_, at) => opened(59 - at) as never), "BTC_USDC");
    expect(lines).toHaveLength(30);
    expect(lines[0]).toMatchObject({ positionId: "0-59", price: "29", isLabelled: true });
    expect(lines.filter((line) => line.isLabelled)).toHaveLength(24);
  });
});
