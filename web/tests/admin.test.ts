/** The administration's own logic: forms, the ladder's rows, and what the figures come to. */

import type { schemas } from "reprise-client";
import { describe, expect, it } from "vitest";
import { PARAMETER_NAMES, readAmount, readInstrument, readParameters, stepOf, typedParameters } from "../src/admin/forms.ts";
import { shareOf, stepsOf, symbolsOf } from "../src/admin/ladder.ts";
import { feedStanding, lagStanding, totalsOf, whyNotApprove } from "../src/admin/standing.ts";
import { decimal } from "../src/numbers/format.ts";
import { ageInWords, faultInWords } from "../src/admin/words.ts";

const english = { locale: "en-US", zone: "UTC" };
const german = { locale: "de-DE", zone: "UTC" };
const KNOWN = new Set(["BTC_USDC"]);
const DOGE = { base: "doge", priceDecimals: "5", quantityDecimals: "0", quantityMax: "5,000,000" };

describe("UI-ADMIN-15 the form of a new market is a request of the exchange, or says of each field what is wrong", () => {
  it("reads what is typed in the person's own way", () => {
    const request = { symbol: "DOGE_USDC", tick_exponent: 5, lot_exponent: 0, quantity_max: "5000000" };
    expect(readInstrument(DOGE, KNOWN, "en-US")).toEqual({ request, faults: {} });
    expect(readInstrument({ ...DOGE, quantityMax: "5.000.000" }, KNOWN, "de-DE").request).toEqual(request);
    expect(readInstrument({ ...DOGE, quantityMax: "5m" }, KNOWN, "en-US").request).toEqual(request);
  });

  it.each([
    [{ base: "" }, { base: "symbol" }],
    [{ base: "DO GE" }, { base: "symbol" }],
    [{ base: "A".repeat(21) }, { base: "symbol" }],
    [{ base: "btc" }, { base: "defined" }],
    [{ priceDecimals: "7" }, { priceDecimals: "decimals" }],
    [{ priceDecimals: "1.5" }, { priceDecimals: "decimals" }],
    [{ priceDecimals: "-1" }, { priceDecimals: "decimals" }],
    [{ quantityDecimals: "" }, { quantityDecimals: "decimals" }],
    [{ quantityDecimals: "2" }, { quantityDecimals: "together" }],
    [{ quantityMax: "" }, { quantityMax: "empty" }],
    [{ quantityMax: "many" }, { quantityMax: "not_a_number" }],
    [{ quantityMax: "0" }, { quantityMax: "not_positive" }],
    [{ quantityMax: "-5" }, { quantityMax: "not_positive" }],
    [{ quantityMax: "1.5" }, { quantityMax: "too_many_places" }],
  ])("refuses %o", (typed, faults) => {
    const read = readInstrument({ ...DOGE, ...typed }, KNOWN, "en-US");
    expect(read).toEqual({ request: null, faults });
    for (const fault of Object.values(read.faults)) expect(faultInWords(fault)).toMatch(/\.$/);
  });

  it("takes what is just allowed", () => {
    expect(readInstrument({ ...DOGE, quantityDecimals: "1", quantityMax: "0.1" }, KNOWN, "en-US").request?.quantity_max).toBe("0.1");
    expect(readInstrument({ ...DOGE, base: "A".repeat(20) }, KNOWN, "en-US").request?.symbol).toBe(`${"A".repeat(20)}_USDC`);
    expect([stepOf(0), stepOf(1), stepOf(5)]).toEqual(["1", "0.1", "0.00001"]);
  });
});

const MARKET: schemas.Parameters = {
  symbol: "SOL_USDC",
  status: "open",
  tick_size: "0.01",
  lot_size: "0.01",
  quantity_min: "0.01",
  quantity_max: "100000.00",
  leverage_min: "1.00",
  leverage_max: "100.00",
  fee_rate: "0.000000",
  maintenance_rate: "0.005000",
  margin_floor_rate: "0.050000",
  liquidation_fee_rate: "0.005000",
  slippage_bps: 100,
  spread_max: "0.003000",
  jump_max: "0.100000",
  notional_max: "1000000.000000",
  account_notional_max: "1000000.000000",
  side_notional_max: "100000000.000000",
  open_age_max_ms: null,
};

describe("UI-ADMIN-16 of a market's parameters only what is another number is a change", () => {
  const form = (changed: Partial<Record<(typeof PARAMETER_NAMES)[number], string>> = {}) => ({
    ...typedParameters(MARKET, (value) => decimal(value, { locale: "en-US", zone: "UTC" })),
    ...changed,
  });

  it("sends nothing where nothing was changed, however it is written", () => {
    expect(readParameters(form(), MARKET, "en-US")).toEqual({ request: null, changes: [], faults: {} });
    expect(readParameters(form({ leverage_max: "100.00", notional_max: "1,000,000" }), MARKET, "en-US").changes).toEqual([]);
  });

  it("sends what was changed, and whole numbers as numbers", () => {
    const read = readParameters(form({ leverage_max: "50", slippage_bps: "90", open_age_max_ms: "1500", fee_rate: "0.0005" }), MARKET, "en-US");
    expect(read.request).toEqual({ leverage_max: "50", fee_rate: "0.0005", slippage_bps: 90, open_age_max_ms: 1500 });
    expect(read.changes.map((each) => [each.name, each.before, each.after])).toEqual([
      ["leverage_max", "100", "50"],
      ["fee_rate", "0", "0.0005"],
      ["slippage_bps", "100", "90"],
      ["open_age_max_ms", null, "1500"],
    ]);
    const aged = { ...MARKET, open_age_max_ms: 1500 };
    expect(readParameters(form({ open_age_max_ms: " " }), aged, "en-US").request).toEqual({ open_age_max_ms: null });
  });

  it.each([
    [{ fee_rate: "" }, { fee_rate: "empty" }],
    [{ fee_rate: "0.0000005" }, { fee_rate: "too_many_places" }],
    [{ slippage_bps: "1.5" }, { slippage_bps: "not_whole" }],
    [{ quantity_max: "1.234" }, { quantity_max: "too_many_places" }],
    [{ leverage_max: "ten" }, { leverage_max: "not_a_number" }],
  ])("refuses %o", (typed, faults) => {
    const read = readParameters(form({ notional_max: "5", ...typed }), MARKET, "en-US");
    expect([read.request, read.faults]).toEqual([null, faults]);
  });
});

const rung = (side: "long" | "short", move: string, notional: string, positions = 1) => ({
  side,
  move,
  positions,
  accounts: 1,
  entry_notional: notional,
  margin: "10.000000",
  notional: "1.000000",
  shortfall: "0.000000",
});
const LADDER: schemas.Ladder = {
  items: [
    { symbol: "BTC_USDC", price: "49500.0", ...rung("long", "1.00", "50.000000") },
    { symbol: "BTC_USDC", price: "50500.0", ...rung("short", "1.00", "0.000000", 0) },
    { symbol: "ETH_USDC", price: "1980.00", ...rung("long", "1.00", "400.000000") },
  ],
  together: [rung("long", "1.00", "450.000000"), rung("long", "2.00", "900.000000"), rung("short", "1.00", "0.300000")],
};

describe("UI-ADMIN-17 a rung's bar is its part of the largest of the table, and a small one can still be seen", () => {
  it("has falls and rises of all markets", () => {
    const { falls, rises } = stepsOf(LADDER, null);
    expect(falls.map((each) => [each.move, each.price, each.notional, each.share])).toEqual([
      ["-1.00", null, "450.000000", 50],
      ["-2.00", null, "900.000000", 100],
    ]);
    expect(rises.map((each) => [each.move, each.share])).toEqual([["1.00", 1]]);
  });

  it("has one market's alone", () => {
    const { falls, rises } = stepsOf(LADDER, "BTC_USDC");
    expect(falls.map((each) => [each.price, each.share])).toEqual([["49500.0", 100]]);
    expect(rises.map((each) => [each.positions, each.share])).toEqual([[0, 0]]);
    expect(symbolsOf(LADDER)).toEqual(["BTC_USDC", "ETH_USDC"]);
  });

  it.each([
    [0n, 0n, 0],
    [0n, 5n, 0],
    [1n, 10n ** 15n, 1],
    [1n, 3n, 33.3],
    [7n, 7n, 100],
  ])("draws %s of %s as %s percent", (part, whole, share) => {
    expect(shareOf(part, whole)).toBe(share);
  });
});

const side = (notional: string, positions: number): schemas.Exposure => ({
  positions,
  quantity: "1",
  entry_notional: "0.000000",
  notional,
  margin: "0.000000",
  unrealized_pnl: "0.000000",
});

describe("UI-ADMIN-18 what the overview says is the sum of the exchange's figures, to the micro", () => {
  it("sums all markets beyond what a float can", () => {
    const market = (symbol: string): schemas.MarketExposure => ({
      symbol,
      long: side("9007199254740993.000001", 2),
      short: side("0.000001", 1),
      net_quantity: "0",
      net_notional: "9007199254740993.000000",
      unrealized_pnl: "-0.000001",
    });
    expect(totalsOf([market("A"), market("B")])).toEqual({
      long: "18014398509481986.000002",
      short: "0.000002",
      net: "18014398509481986.000000",
      profit: "-0.000002",
      positions: 6,
    });
    expect(totalsOf([]).net).toBe("0.000000");
  });

  it("names the price that was heard longest ago", () => {
    const price = (symbol: string, state: schemas.FeedPrice["state"], age: number | null): schemas.FeedPrice => ({
      ...{ symbol, state, age_ms: age, bid: null, ask: null, source_time: null, heard_at: null, held_bid: null, held_ask: null },
    });
    const feed: schemas.Feed = {
      ...{ name: "simulated", run: "1", live: false, selected_at: null },
      prices: [price("A", "fresh", 300), price("B", "stale", 90_000), price("C", "none", null)],
    };
    expect(feedStanding(feed)).toEqual({ fresh: 1, all: 3, oldest: { symbol: "B", ageMs: 90_000 } });
    expect(feedStanding({ ...feed, prices: [] }).oldest).toBeNull();
    expect([ageInWords(300, english), ageInWords(300, german), ageInWords(90_000, english), ageInWords(null, english)]).toEqual(["0.3 s", "0,3 s", "1 min", "–"]);
  });

  it.each([
    [{}, 0],
    [{ state: "behind", projected: 9, projection_lag: 1 }, 0],
    [{ projection_age_ms: 10_000 }, 0],
    [{ projection_age_ms: 10_001 }, 1],
    [{ commands: 11, state: "behind" }, 1],
    [{ commands: null }, 0],
    [{ projection_age_ms: null, state: "behind" }, 1],
    [{ projection_age_ms: null }, 0],
  ] as const)("says of a shard with %o that %i is late", (changed, late) => {
    const level: schemas.ShardLag = {
      ...{ shard: 0, commands: 10, executed: 10, events: 10, projected: 10, projection_lag: 0, projection_age_ms: 300 },
      state: "level",
    };
    expect(lagStanding({ broker_answers: true, shards: [level, { ...level, ...changed }] }).late).toBe(late);
  });
});

describe("UI-ADMIN-19 who asked for a transfer does not approve it, and nobody approves twice", () => {
  const act = (did: schemas.TransferAct["act"], user: string): schemas.TransferAct => ({ act: did, user_id: user, email: null, note: null, at: "" });
  const transfer = { acts: [act("requested", "one"), act("approved", "two")] } as unknown as schemas.Transfer;

  it.each([
    ["one", "own"],
    ["two", "approved"],
    ["three", null],
  ])("says of %s: %s", (user, why) => {
    expect(whyNotApprove(transfer, user)).toBe(why);
  });

  it("reads an amount above zero, to the micro", () => {
    expect(readAmount("1,000.000001", "en-US")).toEqual({ value: "1000.000001" });
    expect(readAmount("0.0000001", "en-US")).toEqual({ fault: "too_many_places" });
    expect(readAmount("-1", "en-US")).toEqual({ fault: "not_positive" });
  });
});
