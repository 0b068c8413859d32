/** An instrument's parameters as the rules count them: money in micros, prices in ticks, quantities in lots, rates in ppm. */

import { MONEY_PLACES, type schemas, toMicros, toUnits } from "reprise-client";

const LEVERAGE_PLACES = 2;
const RATE_PLACES = 6;

/** What decides the money of a position. tickValue: micros that one lot gains when the price rises by one tick. */
export interface Terms {
  readonly symbol: string;
  readonly status: "open" | "close_only" | "halted";
  readonly priceDecimals: number;
  readonly quantityDecimals: number;
  readonly tickValue: bigint;
  readonly quantityMin: bigint;
  readonly quantityMax: bigint;
  readonly leverageMin: bigint;
  readonly leverageMax: bigint;
  readonly feeRate: bigint;
  readonly maintenanceRate: bigint;
  readonly marginFloorRate: bigint;
  readonly liquidationFeeRate: bigint;
  readonly slippageBps: number;
  readonly notionalMax: bigint;
  readonly accountNotionalMax: bigint;
}

/** Read an instrument of the API. The value of a tick is rule INST-05. */
export function termsOf(instrument: schemas.Instrument): Terms {
  const { price_decimals: priceDecimals, quantity_decimals: quantityDecimals } = instrument;
  return {
    symbol: instrument.symbol,
    status: instrument.status,
    priceDecimals,
    quantityDecimals,
    tickValue: 10n ** BigInt(MONEY_PLACES - priceDecimals - quantityDecimals),
    quantityMin: toUnits(instrument.quantity_min, quantityDecimals),
    quantityMax: toUnits(instrument.quantity_max, quantityDecimals),
    leverageMin: toUnits(instrument.leverage_min, LEVERAGE_PLACES),
    leverageMax: toUnits(instrument.leverage_max, LEVERAGE_PLACES),
    feeRate: toUnits(instrument.fee_rate, RATE_PLACES),
    maintenanceRate: toUnits(instrument.maintenance_rate, RATE_PLACES),
    marginFloorRate: toUnits(instrument.margin_floor_rate, RATE_PLACES),
    liquidationFeeRate: toUnits(instrument.liquidation_fee_rate, RATE_PLACES),
    slippageBps: instrument.slippage_bps,
    notionalMax: toMicros(instrument.notional_max),
    accountNotionalMax: toMicros(instrument.account_notional_max),
  };
}
