/** How money, prices and quantities are counted exactly: decimal strings outside, BigInt units inside, never a float. */

/** A number in decimal digits, as the exchange writes it: `"100.50"`. */
export type Decimal = string;

/** How many digits money has behind its point: a micro is 0.000001 USDC. */
export const MONEY_PLACES = 6;

const DIGITS = /^([+-]?)(\d+)(?:\.(\d+))?$/;

/** Count a decimal in units of so many places: `toUnits("1.5", 2)` is `150n`. What does not fit exactly is a RangeError. */
export function toUnits(decimal: Decimal, places: number): bigint {
  const found = DIGITS.exec(decimal);
  if (found === null) throw new RangeError(`${JSON.stringify(decimal)} is no decimal number`);
  const [, sign = "", whole = "", fraction = ""] = found;
  if (/[1-9]/.test(fraction.slice(places))) throw new RangeError(`${decimal} has more than ${places} decimal places`);
  const units = BigInt(whole + fraction.slice(0, places).padEnd(places, "0"));
  return sign === "-" ? -units : units;
}

/** Write units of so many places as a decimal: `fromUnits(150n, 2)` is `"1.50"`. */
export function fromUnits(units: bigint, places: number): Decimal {
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, "0");
  const sign = units < 0n ? "-" : "";
  const point = digits.length - places;
  return places === 0 ? sign + digits : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Count money in micros. */
export function toMicros(money: Decimal): bigint {
  return toUnits(money, MONEY_PLACES);
}

/** Write micros as money. */
export function fromMicros(micros: bigint): Decimal {
  return fromUnits(micros, MONEY_PLACES);
}
