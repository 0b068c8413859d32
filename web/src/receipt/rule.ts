/** Both sides of the inequality that closed a position, as the exchange compared them. */

import type { Decimal, schemas } from "reprise-client";

export type Side = "equity" | "requirement" | "bid" | "ask" | "stop" | "take";

export interface Inequality {
  readonly left: { readonly name: Side; readonly value: Decimal };
  readonly sign: "<" | "≤" | "≥";
  readonly right: { readonly name: Side; readonly value: Decimal };
}

/** Give what was compared; null for a close by hand, which compares nothing. */
export function inequalityOf(receipt: schemas.Receipt): Inequality | null {
  if (receipt.rule === "liquidation") {
    return {
      left: { name: "equity", value: receipt.equity },
      sign: "<",
      right: { name: "requirement", value: receipt.requirement },
    };
  }
  if (receipt.trigger_price === null) return null;
  const isLong = receipt.side === "long";
  const isTake = receipt.rule === "take_profit";
  return {
    left: isLong ? { name: "bid", value: receipt.tick.bid } : { name: "ask", value: receipt.tick.ask },
    sign: isLong === isTake ? "≥" : "≤",
    right: { name: isTake ? "take" : "stop", value: receipt.trigger_price },
  };
}
