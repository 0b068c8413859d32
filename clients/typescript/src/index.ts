/** A typed client of the Reprise exchange, for browsers and Node. */

export { Administration, type Movement, type TransferFilter } from "./admin.ts";
export { Client, type Options, type Period, type When, type WhichSteps } from "./client.ts";
export { type Decimal, MONEY_PLACES, fromMicros, fromUnits, toMicros, toUnits } from "./decimals.ts";
export {
  Changed,
  type Code,
  Forbidden,
  Malformed,
  NotFound,
  NotSignedIn,
  OutcomeUnknown,
  Problem,
  Refused,
  RepriseError,
  StreamRefused,
  TooMany,
  Unavailable,
  Unreachable,
} from "./errors.ts";
export { readJson } from "./json.ts";
export type * as schemas from "./schemas.ts";
export { ApiKey, newKeyPair } from "./signing.ts";
export {
  type Listening,
  type Message,
  Stream,
  isAccountSnapshot,
  isAccountUpdate,
  isAlerts,
  isCandle,
  isTicker,
} from "./stream.ts";
export type { Keyed, NewOrder, Stops, Versioned } from "./trading.ts";
export { TradingSocket } from "./trading-socket.ts";
