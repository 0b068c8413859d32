/** The ticket is disabled with a reason, warns of what is dangerous, and says how the account would change. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { schemas } from "reprise-client";
import { termsOf } from "../src/rules/terms.ts";
import { standingOf } from "../src/rules/valuation.ts";
import { EMPTY, type Reading, type Surroundings, type Ticket, readTicket } from "../src/ticket/ticket.ts";
import { faultInWords, healthInWords, warningInWords } from "../src/words.ts";

const MANNER = { locale: "en-US", zone: "UTC" };

const [{ instrument }] = JSON.parse(
  readFileSync(new URL("../../tests/golden/order-cases.json", import.meta.url), "utf8"),
) as [{ readonly instrument: schemas.Instrument }];
const PLENTY = 10n ** 15n;
// A market without a fee, and limits that no order here comes near.
const TERMS = {
  ...termsOf(instrument),
  feeRate: 0n,
  leverageMin: 100n,
  leverageMax: 10_000n,
  quantityMin: 1n,
  quantityMax: PLENTY,
  notionalMax: PLENTY,
  accountNotionalMax: PLENTY,
};
const SCALE = 10n ** BigInt(TERMS.priceDecimals);
const AROUND: Surroundings = {
  terms: TERMS,
  bid: 50_000n * SCALE - 1n,
  ask: 50_000n * SCALE,
  priceState: "fresh",
  freeMargin: 5_000_000_000n,
  usedMargin: 100_000_000n,
  signedIn: true,
  openNotional: 1_000_000_000n,
  connected: true,
  locale: "en-US",
};

function read(ticket: Partial<Ticket>, around: Partial<Surroundings> = {}, side: "long" | "short" = "long"): Reading {
  return readTicket({ ...EMPTY, size: "100", ...ticket }, side, { ...AROUND, ...around });
}

describe("UI-TICKET-05 what cannot be sent says why", () => {
  test.each([
    [{ signedIn: false }, "NOT_SIGNED_IN"],
    [{ freeMargin: null }, "ACCOUNT_UNKNOWN"],
    [{ connected: false }, "NO_CONNECTION"],
    [{ terms: { ...TERMS, status: "halted" } }, "MARKET_HALTED"],
    [{ terms: { ...TERMS, status: "close_only" } }, "MARKET_CLOSE_ONLY"],
    [{ bid: null, ask: null, priceState: "none" }, "NO_PRICE"],
    [{ priceState: "unconfirmed" }, "PRICE_UNCONFIRMED"],
    [{ priceState: "stale" }, "PRICE_STALE"],
  ] as const)("%o", (around, code) => {
    const { order, faults } = read({}, around as Partial<Surroundings>);
    expect(order).toBeNull();
    const fault = faults.find((each) => each.code === code);
    expect(fault).toBeDefined();
    expect(faultInWords(fault!, MANNER)).toMatch(/^[A-Z].*\.$/);
  });

  test("a size that is above what is free says how much there is", () => {
    const [fault] = read({ size: "5001" }).faults;
    expect(faultInWords(fault!, MANNER)).toContain("(5,000)");
  });

  test.each([["-1"], ["100.01"]])("a slippage of %s percent is refused", (slippage) => {
    expect(read({ slippage }).faults.map((each) => each.code)).toEqual(["SLIPPAGE_OUT_OF_RANGE"]);
  });
});

describe("UI-TICKET-02 a stop in percent lies on the side where it closes, and never further away than was asked for", () => {
  test.each([
    ["long", "stop", "1", 49_500n],
    ["long", "take", "1", 50_500n],
    ["short", "stop", "1", 50_499n],
    ["short", "take", "1", 49_500n],
  ] as const)("%s %s", (side, field, text, whole) => {
    const { order, summary } = read({ [field]: { by: "percent", text } }, {}, side);
    const level = (field === "stop" ? order!.stop_loss : order!.take_profit)!;
    expect(Number(level)).toBeGreaterThanOrEqual(Number(whole));
    expect(Number(level)).toBeLessThan(Number(whole) + 1.01);
    const [entry, distance] = [Number(summary!.price), Math.abs(Number(level) - Number(summary!.price))];
    expect(distance).toBeLessThanOrEqual(entry * 0.01);
  });
});

describe("UI-TICKET-03 above 20x there is a warning", () => {
  test.each([
    ["20", []],
    ["20.01", ["HIGH_LEVERAGE"]],
    ["50", ["HIGH_LEVERAGE"]],
  ] as const)("%s", (leverage, warnings) => {
    expect(read({ leverage }).warnings).toEqual(warnings);
    expect(warningInWords("HIGH_LEVERAGE")).toContain("20x");
  });
});

test("UI-TICKET-04 a stop beyond the liquidation price is warned of, and sent where the person wants it", () => {
  const { warnings, order } = read({ leverage: "10", stop: { by: "price", text: "45000" } });
  expect(warnings).toEqual(["STOP_BEYOND_LIQUIDATION"]);
  expect(order).not.toBeNull();
  expect(read({ leverage: "10", stop: { by: "price", text: "49000" } }).warnings).toEqual([]);
});

test("UI-TICKET-06 notional, used and free margin are shown before and after, and what can be lost at most", () => {
  const { summary } = read({ leverage: "10" });
  expect(summary!.openNotional).toEqual(["1000.000000", "2000.000000"]);
  expect(summary!.usedMargin).toEqual(["100.000000", "200.000000"]);
  expect(summary!.freeMargin).toEqual(["5000.000000", "4900.000000"]);
  expect(summary!.lossMax).toBe("100.000000");
});

describe("UI-STRIP-02 the health of an account is a number, a word and a colour", () => {
  const account = { balance: "1000.000000", used_margin: "100.000000", free_margin: "900.000000" } as schemas.Account;
  test.each([
    [[0n], "1000.00", "safe"],
    [[-50_000_000n], "950.00", "safe"],
    [[-50_000_001n], "949.99", "watch"],
    [[-80_000_001n], "919.99", "danger"],
  ] as const)("at a profit of %o", (profits, level, health) => {
    const standing = standingOf(account, profits);
    expect(standing.marginLevel).toBe(level);
    expect(standing.health).toBe(health);
    expect(healthInWords(standing.health)).not.toBe("");
  });

  test("without a position there is none", () => {
    const standing = standingOf({ ...account, used_margin: "0.000000" }, []);
    expect([standing.marginLevel, standing.health]).toEqual([null, "none"]);
  });
});

test("UI-STRIP-01 equity is balance and the profit of every open position, and unknown while one has no price", () => {
  const account = { balance: "1000.000000", used_margin: "100.000000", free_margin: "900.000000" } as schemas.Account;
  expect(standingOf(account, [1n, -2_000_000n]).equity).toBe("998.000001");
  expect(standingOf(account, [1n, null])).toMatchObject({ equity: null, unrealised: null, marginLevel: null });
});
