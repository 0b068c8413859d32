/** What an administrator typed, read as requests of the API, or why it is none. */

import type { Decimal, schemas } from "reprise-client";
import { readTyped, type TypedFault } from "../numbers/typed.ts";

export type NumberFault = TypedFault | "not_positive" | "not_whole";
export type InstrumentFault = NumberFault | "symbol" | "defined" | "decimals" | "together";

const SYMBOL = /^[A-Z0-9]{1,20}$/;
const DECIMALS = /^[0-6]$/;
const DECIMALS_MAX = 6; // of both together: a micro is the smallest money
const MONEY_PLACES = 6;

/** The form of a new market, as it is typed. */
export interface NewInstrument {
  readonly base: string;
  readonly priceDecimals: string;
  readonly quantityDecimals: string;
  readonly quantityMax: string;
}

export interface ReadInstrument {
  readonly request: schemas.InstrumentRequest | null;
  readonly faults: Readonly<Partial<Record<keyof NewInstrument, InstrumentFault>>>;
}

/** Read the form of a new market. known: the symbols there are. */
export function readInstrument(form: NewInstrument, known: ReadonlySet<string>, locale: string): ReadInstrument {
  const faults: Partial<Record<keyof NewInstrument, InstrumentFault>> = {};
  const base = form.base.trim().toUpperCase();
  const symbol = `${base}_USDC`;
  if (!SYMBOL.test(base)) faults.base = "symbol";
  else if (known.has(symbol)) faults.base = "defined";
  const [price, quantity] = [form.priceDecimals.trim(), form.quantityDecimals.trim()];
  if (!DECIMALS.test(price)) faults.priceDecimals = "decimals";
  if (!DECIMALS.test(quantity)) faults.quantityDecimals = "decimals";
  else if (DECIMALS.test(price) && Number(price) + Number(quantity) > DECIMALS_MAX) faults.quantityDecimals = "together";
  const most = readPositive(form.quantityMax, locale, DECIMALS.test(quantity) ? Number(quantity) : DECIMALS_MAX);
  if ("fault" in most) faults.quantityMax = most.fault;
  if (Object.keys(faults).length > 0 || "fault" in most) return { request: null, faults };
  return { request: { symbol, tick_exponent: Number(price), lot_exponent: Number(quantity), quantity_max: most.value }, faults };
}

/** Write the smallest step of so many decimal places. */
export function stepOf(places: number): Decimal {
  return places === 0 ? "1" : `0.${"0".repeat(places - 1)}1`;
}

/** Read a number above zero. */
export function readPositive(text: string, locale: string, places: number): { readonly value: Decimal } | { readonly fault: NumberFault } {
  const typed = readTyped(text, locale, places);
  if ("fault" in typed) return typed;
  return typed.value.startsWith("-") || !/[1-9]/.test(typed.value) ? { fault: "not_positive" } : typed;
}

/** Read an amount of money above zero. */
export function readAmount(text: string, locale: string): { readonly value: Decimal } | { readonly fault: NumberFault } {
  return readPositive(text, locale, MONEY_PLACES);
}

/** A parameter that can be changed, and how many decimal places it has; of quantities the market's own. */
export const PARAMETERS = {
  leverage_min: 2,
  leverage_max: 2,
  quantity_min: null,
  quantity_max: null,
  notional_max: MONEY_PLACES,
  account_notional_max: MONEY_PLACES,
  side_notional_max: MONEY_PLACES,
  fee_rate: 6,
  maintenance_rate: 6,
  margin_floor_rate: 6,
  liquidation_fee_rate: 6,
  spread_max: 6,
  jump_max: 6,
  slippage_bps: 0,
  open_age_max_ms: 0,
} as const satisfies Record<keyof schemas.ParametersRequest, number | null>;

export type ParameterName = keyof typeof PARAMETERS;
export const PARAMETER_NAMES = Object.keys(PARAMETERS) as readonly ParameterName[];

export interface ParameterChange {
  readonly name: ParameterName;
  readonly before: Decimal | null;
  readonly after: Decimal | null;
}

export interface ReadParameters {
  readonly request: schemas.ParametersRequest | null;
  readonly changes: readonly ParameterChange[];
  readonly faults: Readonly<Partial<Record<ParameterName, NumberFault>>>;
}

/** Give the parameters of a market as they are typed into a form: without the zeros at the end. */
export function typedParameters(market: schemas.Parameters, write: (value: Decimal) => string): Record<ParameterName, string> {
  return Object.fromEntries(
    PARAMETER_NAMES.map((name) => {
      const value = market[name];
      return [name, value === null ? "" : write(String(value))];
    }),
  ) as Record<ParameterName, string>;
}

/** Read the form of a market's parameters; what is as before is not sent. */
export function readParameters(form: Readonly<Record<ParameterName, string>>, market: schemas.Parameters, locale: string): ReadParameters {
  const faults: Partial<Record<ParameterName, NumberFault>> = {};
  const changes: ParameterChange[] = [];
  const request: Record<string, Decimal | number | null> = {};
  for (const name of PARAMETER_NAMES) {
    const places = PARAMETERS[name] ?? placesOf(market.lot_size);
    const before = market[name] === null ? null : plain(String(market[name]));
    if (name === "open_age_max_ms" && form[name].trim() === "") {
      if (before !== null) changes.push({ name, before, after: (request[name] = null) });
      continue;
    }
    const typed = readTyped(form[name], locale, places);
    if ("fault" in typed) {
      faults[name] = typed.fault === "too_many_places" && places === 0 ? "not_whole" : typed.fault;
      continue;
    }
    const after = plain(typed.value);
    if (after === before) continue;
    changes.push({ name, before, after });
    request[name] = places === 0 && PARAMETERS[name] === 0 ? Number(after) : after;
  }
  const isSound = Object.keys(faults).length === 0 && changes.length > 0;
  return { request: isSound ? (request as schemas.ParametersRequest) : null, changes, faults };
}

function placesOf(step: Decimal): number {
  return step.includes(".") ? step.length - step.indexOf(".") - 1 : 0;
}

function plain(value: Decimal): Decimal {
  return value.includes(".") ? value.replace(/\.?0+$/, "") : value;
}
