/** What a person types to change the stops of a position or to close a part of it: pure functions, as the ticket's. */

import type { Decimal } from "reprise-client";
import { type Manner, decimal } from "../numbers/format.ts";
import { readTyped } from "../numbers/typed.ts";
import { type Fault, faultOfTyped } from "./ticket.ts";

/** What would be sent, or why nothing can be. */
export type Read<Value> = { readonly value: Value } | { readonly fault: Fault };

export interface Stops {
  readonly stop_loss: Decimal | null;
  readonly take_profit: Decimal | null;
}

/** Read both levels; an empty one is taken away. */
export function readStops(stop: string, take: string, locale: string, priceDecimals: number): Read<Stops> {
  const stopLoss = readLevel("stop", stop, locale, priceDecimals);
  const takeProfit = readLevel("take", take, locale, priceDecimals);
  if ("fault" in stopLoss) return stopLoss;
  if ("fault" in takeProfit) return takeProfit;
  return { value: { stop_loss: stopLoss.value, take_profit: takeProfit.value } };
}

/** Read how much of a position is to be closed; null is all of it. */
export function readPart(part: string, locale: string, quantityDecimals: number): Read<Decimal | null> {
  return readLevel("size", part, locale, quantityDecimals);
}

/** Write a level as it would be typed. */
export function typedLevel(level: Decimal | null, manner: Manner, priceDecimals: number): string {
  return level === null ? "" : decimal(level, manner, priceDecimals);
}

function readLevel(field: "stop" | "take" | "size", text: string, locale: string, places: number): Read<Decimal | null> {
  if (text.trim() === "") return field === "size" && text !== "" ? { fault: { field, code: "EMPTY" } } : { value: null };
  const typed = readTyped(text, locale, places);
  if ("fault" in typed) return { fault: faultOfTyped(field, typed.fault, places) };
  return /^-|^0*\.?0*$/.test(typed.value) ? { fault: { field, code: field === "size" ? "AMOUNT_NOT_POSITIVE" : "PRICE_OUT_OF_RANGE" } } : { value: typed.value };
}
