/** The ticket says of an order what the engine decides of it: the same refusals, the same figures, to the unit. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { schemas } from "reprise-client";
import { toMicros, toUnits } from "reprise-client";
import { termsOf } from "../src/rules/terms.ts";
import { EMPTY, type Surroundings, type Ticket, readTicket } from "../src/ticket/ticket.ts";

interface Case {
  readonly instrument: schemas.Instrument;
  readonly bid: string;
  readonly ask: string;
  readonly free_margin: string;
  readonly order: {
    readonly side: "long" | "short";
    readonly margin: string | null;
    readonly quantity: string | null;
    readonly leverage: string;
    readonly stop_loss: string | null;
    readonly take_profit: string | null;
  };
  readonly refusals: readonly string[];
  readonly opens: {
    readonly price: string;
    readonly quantity: string;
    readonly notional: string;
    readonly margin: string;
    readonly fee: string;
    readonly liquidation_price: string | null;
    readonly warnings: readonly string[];
  } | null;
}

const CASES = JSON.parse(
  readFileSync(new URL("../../tests/golden/order-cases.json", import.meta.url), "utf8"),
) as readonly Case[];

function around({ instrument, bid, ask, free_margin }: Case): Surroundings {
  return {
    terms: termsOf(instrument),
    bid: toUnits(bid, instrument.price_decimals),
    ask: toUnits(ask, instrument.price_decimals),
    priceState: "fresh",
    freeMargin: toMicros(free_margin),
    usedMargin: 0n,
    signedIn: true,
    openNotional: 0n,
    connected: true,
    locale: "en",
  };
}

function typed({ order }: Case): Ticket {
  return {
    ...EMPTY,
    sizeBy: order.margin === null ? "quantity" : "margin",
    size: order.margin ?? order.quantity ?? "",
    leverage: order.leverage,
    stop: { by: "price", text: order.stop_loss ?? "" },
    take: { by: "price", text: order.take_profit ?? "" },
  };
}

describe("UI-TICKET-01 the ticket's figures are the engine's", () => {
  test.each(CASES.map((each, number) => [number, each] as const))("case %i", (_number, each) => {
    const reading = readTicket(typed(each), each.order.side, around(each));
    const codes = reading.faults.map((fault) => fault.code);
    if (each.opens === null) {
      // Of a size that is none the engine says no more; its first reason is among the ticket's.
      expect(codes).toContain(each.refusals[0]);
      expect(reading.order).toBeNull();
      return;
    }
    expect([...codes].sort()).toEqual([...each.refusals].sort());
    expect(reading.order === null).toBe(each.refusals.length > 0);
    const { price, quantity, notional, margin, fee, liquidationPrice } = reading.summary ?? {};
    const { liquidation_price, warnings, ...figures } = each.opens;
    expect({ price, quantity, notional, margin, fee }).toEqual(figures);
    if (!codes.includes("LIQUIDATABLE_AT_ONCE")) {
      expect(liquidationPrice).toBe(liquidation_price);
      const isRefusedStop = codes.some((code) => code.endsWith("WRONG_SIDE"));
      if (!isRefusedStop) expect(reading.warnings.filter((each) => each === "STOP_BEYOND_LIQUIDATION")).toEqual(warnings);
    }
  });
});
