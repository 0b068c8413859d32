/** What a person typed, read as a decimal of the exchange: in the person's own way of writing, or with a plain point. */

import { type Decimal, toUnits } from "reprise-client";

/** Why a text is no number. */
export type TypedFault = "empty" | "not_a_number" | "too_many_places" | "too_large";

export type Typed = { readonly value: Decimal } | { readonly fault: TypedFault };

interface Marks {
  readonly point: string;
  readonly group: string;
}

const marksBy = new Map<string, Marks>();
const UNITS_MAX = 2n ** 63n - 1n; // of an amount, a price or a quantity: the most that the ledger can hold
const SUFFIXES: Readonly<Record<string, number>> = { k: 3, m: 6 };

function marksOf(locale: string): Marks {
  let marks = marksBy.get(locale);
  if (marks === undefined) {
    const parts = new Intl.NumberFormat(locale).formatToParts(1234567.5);
    const part = (kind: string): string => parts.find((each) => each.type === kind)?.value ?? "";
    marks = { point: part("decimal") || ".", group: plainMarks(part("group")) };
    marksBy.set(locale, marks);
  }
  return marks;
}

/**
 * Read a number above or below zero with at most so many places. Groups may be written where they belong; `2k` is 2,000
 * and `1.5m` is 1,500,000. A point that can only be the decimal one is taken as such, whatever the locale.
 */
export function readTyped(text: string, locale: string, places: number): Typed {
  const given = text.trim().toLowerCase();
  if (given === "") return { fault: "empty" };
  const found = /^([+-]?)(.*?)([km]?)$/.exec(given);
  if (found === null) return { fault: "not_a_number" };
  const [, sign = "", body = "", suffix = ""] = found;
  const plain = plainOf(plainMarks(body), marksOf(locale));
  if (plain === null) return { fault: "not_a_number" };
  const [whole = "", fraction = ""] = shifted(plain, SUFFIXES[suffix] ?? 0);
  if (/[1-9]/.test(fraction.slice(places))) return { fault: "too_many_places" };
  const kept = fraction.slice(0, places);
  const digits = whole.replace(/^0+(?=\d)/, "") || "0";
  const value = kept === "" ? digits : `${digits}.${kept}`;
  if (toUnits(value, places) > UNITS_MAX) return { fault: "too_large" };
  return { value: sign === "-" && /[1-9]/.test(value) ? `-${value}` : value };
}

/** Spaces go, which group in some places; of the apostrophes that group in others there is one. */
function plainMarks(text: string): string {
  return text.replace(/[\s\u00a0\u202f]/g, "").replaceAll("’", "'");
}

/** Give whole part and fraction; null where it is no number, or could be two. */
function plainOf(body: string, { point, group }: Marks): readonly [string, string] | null {
  const grouped = (whole: string): string | null => {
    if (/^\d+$/.test(whole)) return whole;
    const parts = group === "" ? [whole] : whole.split(group);
    const [first = "", ...rest] = parts;
    return /^[1-9]\d{0,2}$/.test(first) && rest.length > 0 && rest.every((part) => /^\d{3}$/.test(part)) ? parts.join("") : null;
  };
  const [whole = "", fraction, ...more] = body.split(point);
  if (more.length === 0 && (fraction === undefined || /^\d*$/.test(fraction))) {
    const digits = whole === "" && fraction ? "0" : grouped(whole);
    if (digits !== null) return [digits, fraction ?? ""];
  }
  // 1.5 is one and a half everywhere; 1.500 is not where a point groups, and 0.500 is a half, as no group begins with 0.
  const otherwise = /^(\d*)\.(\d+)$/.exec(body);
  return otherwise !== null && point !== "." && (otherwise[2]?.length !== 3 || /^0*$/.test(otherwise[1] ?? "")) ? [otherwise[1] || "0", otherwise[2] ?? ""] : null;
}

function shifted([whole, fraction]: readonly [string, string], by: number): readonly [string, string] {
  return [whole + fraction.slice(0, by).padEnd(by, "0"), fraction.slice(by)];
}
