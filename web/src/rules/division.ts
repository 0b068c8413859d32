/** Division of integers that says which way it rounds; BigInt's own rounds towards zero. */

/** Divide, rounding down. divisor: above zero. */
export function divFloor(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}

/** Divide, rounding up. divisor: above zero. */
export function divCeil(dividend: bigint, divisor: bigint): bigint {
  return -divFloor(-dividend, divisor);
}
