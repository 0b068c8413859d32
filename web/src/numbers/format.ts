/** How numbers and times are written for a person: every digit of the exchange's decimals, in the person's own way. */

import type { Decimal } from "reprise-client";

/** How a person wants numbers and times. locale: of the numbers; zone: an IANA name, of the times. */
export interface Manner {
  readonly locale: string;
  readonly zone: string;
}

type Sign = "auto" | "exceptZero";

const NO_FIGURE = "–";
const formats = new Map<string, Intl.NumberFormat>();
const times = new Map<string, Intl.DateTimeFormat>();

function formatFor(locale: string, places: number, sign: Sign): Intl.NumberFormat {
  const name = `${locale} ${places} ${sign}`;
  let format = formats.get(name);
  if (format === undefined) {
    format = new Intl.NumberFormat(locale, {
      minimumFractionDigits: places,
      maximumFractionDigits: 20,
      signDisplay: sign,
    });
    formats.set(name, format);
  }
  return format;
}

/** Write a decimal with at least so many places, and with more where it has more; a dash where there is none. */
export function decimal(value: Decimal | null | undefined, manner: Manner, places = 0, sign: Sign = "auto"): string {
  if (value === null || value === undefined) return NO_FIGURE;
  return formatFor(manner.locale, places, sign).format(withoutTrailingZeros(value) as Intl.StringNumericLiteral);
}

/** Write money: two places at least, and a micro where there is one. */
export function money(value: Decimal | null | undefined, manner: Manner, sign: Sign = "auto"): string {
  return decimal(value, manner, 2, sign);
}

/** Write a fraction of one as percent. */
export function percentOfFraction(fraction: Decimal, manner: Manner): string {
  const [whole = "0", places = ""] = fraction.split(".");
  const shifted = `${whole}${places.padEnd(2, "0").slice(0, 2)}.${places.slice(2) || "0"}`.replace(/^(-?)0+(?=\d)/, "$1");
  return `${decimal(shifted, manner)} %`;
}

/** Write a time to the second, in the person's zone. */
export function time(iso: string | null | undefined, manner: Manner): string {
  if (!iso) return NO_FIGURE;
  const name = `${manner.locale} ${manner.zone}`;
  let format = times.get(name);
  if (format === undefined) {
    format = new Intl.DateTimeFormat(manner.locale, {
      timeZone: manner.zone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
    });
    times.set(name, format);
  }
  return format.format(new Date(iso));
}

/** The class of a figure that went up or down; none of what did neither, or is not known. */
export function toneOf(value: Decimal | null | undefined): "" | "up" | "down" {
  if (value === null || value === undefined || !/[1-9]/.test(value)) return "";
  return value.startsWith("-") ? "down" : "up";
}

function withoutTrailingZeros(value: Decimal): Decimal {
  return value.includes(".") ? value.replace(/\.?0+$/, "") : value;
}
