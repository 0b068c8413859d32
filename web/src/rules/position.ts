/**
 * What a position is worth and when it is liquidated: the formulas of docs/rules.md, UNIT-01 to LIQ-03, in whole numbers.
 *
 * Money in micros, prices in ticks, quantities in lots, rates in ppm, leverage in hundredths. tests/golden/position-cases.json
 * holds them to the engine's own code.
 */

import { divCeil, divFloor } from "./division.ts";

export type Side = "long" | "short";

const PPM = 1_000_000n;
const LEVERAGE_ONE = 100n;
const BPS = 10_000n;
export const PRICE_MAX = 1_000_000_000n;

/** UNIT-01: quantity × price × tick value, exact. */
export function notionalOf(quantity: bigint, price: bigint, tickValue: bigint): bigint {
  return quantity * price * tickValue;
}

/** CLOSE-01: the profit of a position whose notional is now this, without fees. */
export function profitOf(side: Side, notional: bigint, entryNotional: bigint): bigint {
  return side === "long" ? notional - entryNotional : entryNotional - notional;
}

/** OPEN-02: the margin an opening by quantity posts, rounded up. */
export function marginOf(notional: bigint, leverage: bigint): bigint {
  return divCeil(notional * LEVERAGE_ONE, leverage);
}

/** OPEN-01: the lots an opening by margin buys, rounded down. */
export function quantityOf(margin: bigint, leverage: bigint, price: bigint, tickValue: bigint): bigint {
  return divFloor(margin * leverage, LEVERAGE_ONE * price * tickValue);
}

/** OPEN-13, CLOSE-05: a fee at a rate of the notional, rounded up. */
export function feeOf(notional: bigint, rate: bigint): bigint {
  return divCeil(notional * rate, PPM);
}

/** LIQ-01: the least equity a position must keep, rounded up. */
export function requirementOf(notional: bigint, margin: bigint, maintenanceRate: bigint, floorRate: bigint): bigint {
  const maintenance = divCeil(notional * maintenanceRate, PPM);
  const floor = divCeil(margin * floorRate, PPM);
  return maintenance > floor ? maintenance : floor;
}

/** OPEN-03, CLOSE-02: a long opens at the ask and closes at the bid, a short the other way round. */
export function entryPrice(side: Side, bid: bigint, ask: bigint): bigint {
  return side === "long" ? ask : bid;
}

export function exitPrice(side: Side, bid: bigint, ask: bigint): bigint {
  return side === "long" ? bid : ask;
}

/** OPEN-05: whether a fill is worse than the expected price by more than these basis points. */
export function isBeyondSlippage(side: Side, price: bigint, expected: bigint, bps: bigint): boolean {
  return side === "long" ? price * BPS > expected * (BPS + bps) : price * BPS < expected * (BPS - bps);
}

/** LIQ-03: the first tick, going against the position, at which it is liquidated; null where there is none. */
export function liquidationPriceOf(position: {
  readonly side: Side;
  readonly quantity: bigint;
  readonly entryNotional: bigint;
  readonly margin: bigint;
  readonly tickValue: bigint;
  readonly maintenanceRate: bigint;
  readonly marginFloorRate: bigint;
}): bigint | null {
  const { quantity, entryNotional, margin, tickValue, maintenanceRate, marginFloorRate } = position;
  const perTick = quantity * tickValue;
  const floor = divCeil(margin * marginFloorRate, PPM);
  if (position.side === "long") {
    const debt = entryNotional - margin;
    const belowFloor = divCeil(floor + debt, perTick) - 1n;
    const belowMaintenance = divCeil(PPM * debt, perTick * (PPM - maintenanceRate)) - 1n;
    const price = belowFloor > belowMaintenance ? belowFloor : belowMaintenance;
    return price >= 1n ? price : null;
  }
  const backing = entryNotional + margin;
  const belowFloor = divFloor(backing - floor, perTick) + 1n;
  const belowMaintenance = divFloor(PPM * backing, perTick * (PPM + maintenanceRate)) + 1n;
  const price = belowFloor < belowMaintenance ? belowFloor : belowMaintenance;
  return price <= PRICE_MAX ? price : null;
}
