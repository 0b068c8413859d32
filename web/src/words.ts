/** Every sentence of the screen, in one place. */

import type { Code, schemas } from "reprise-client";
import { counted } from "./numbers/count.ts";
import { type Manner, decimal } from "./numbers/format.ts";
import type { TypedFault } from "./numbers/typed.ts";
import type { Health } from "./rules/valuation.ts";
import type { Fault, TicketCode, Warning } from "./ticket/ticket.ts";

type CloseReason = NonNullable<schemas.Position["close_reason"]>;

export const words = {
  name: "Reprise",
  noMoney: "No money here is real.",
  risk: "Leveraged positions can lose their whole margin within seconds. This is software to learn from and build with, not an offer to trade.",
  showReceipt: "Show the receipt",
  long: "Long",
  short: "Short",
  market: "Market",
  bid: "Bid",
  ask: "Ask",
  spread: "Spread",
  change: "24 h",
  price: "Price",
  you: "You",
  login: "Log in",
  logout: "Log out",
  administration: "Administration",
  register: "Register",
  settings: "Settings",
  keys: "Keys",
  keyList: [
    ["t", "to the size in the ticket"],
    ["b", "to the long button"],
    ["s", "to the short button"],
    ["?", "this list"],
    ["Escape", "close a dialog"],
    ["Arrow keys, Home, End", "from tab to tab"],
  ],
  skip: "To the content",
  old: "The prices are old: the exchange does not answer. The page connects again by itself.",
  nothingHere: "There is nothing at this address",
  toTheMarket: "To the market",
  loading: "Loading…",
  noMarket: (symbol: string): string => `There is no market ${symbol}`,
  sizeFirst: "Say how much, and see here what the order would be.",
  tryIt: "Try it",
  tryItWhat: "One click opens a demo account with play money, which lasts until you log out. Nothing is asked of you.",
  notFollowed: "Your account is not followed any more: load the page again.",
  notRead: "This could not be read.",
  noConnection: "There is no connection to the exchange.",
  moreUnread: (count: number): string => `${counted(count, "more message waits", "more messages wait")} to be read.`,
  done: "Done",
  marketStatus: { halted: "HALTED", close_only: "CLOSE ONLY" },
  anotherPerson: "Somebody else signed in or out in another tab. Nothing was sent: look whose account this is now.",
  outcomeUnknown: "It was sent, and the exchange has not said what became of it. Look before you send it again.",
  unreachable: "The exchange did not answer.",
  sending: "Sent. The exchange has not answered yet.",
  notLoaded: "This part of the page could not be loaded. Try again once the exchange answers.",
  notHeard: "not heard of for",
  toldHere: "It is sent. What becomes of it is told here.",
  email: "E-mail",
  password: "Password",
  haveOne: "You have an account? Log in",
  haveNone: "You have no account? Register",
  ticket: "Order",
  sizeBy: "Size by",
  sizeByWord: { margin: "Margin", quantity: "Quantity" },
  marginIn: "Margin in USDC",
  quantityIn: (symbol: string): string => `Quantity in ${symbol.split("_")[0] ?? symbol}`,
  leverage: "Leverage",
  leverageTyped: "Leverage, typed",
  stopWord: { stop: "Stop loss", take: "Take profit" },
  stopBy: { stop: "Stop loss as", take: "Take profit as" },
  asPrice: "price",
  slippage: "Slippage in %",
  summaryOf: (side: "long" | "short"): string => `What the ${side} order comes to`,
  fillPrice: "Price of the fill",
  quantity: "Quantity",
  notional: "Notional",
  margin: "Margin",
  fee: "Fee",
  liquidationPrice: "Liquidation price",
  openNotional: (symbol: string): string => `Your notional in ${symbol}`,
  lossMax: "Largest loss",
  freeMargin: "Free margin",
  account: "Account",
  balance: "Balance",
  equity: "Equity",
  unrealised: "Unrealised profit",
  usedMargin: "Used margin",
  marginLevel: "Margin level",
  yours: "Yours",
  tabs: {
    positions: "Positions",
    orders: "Orders",
    history: "History",
    fills: "Fills",
    ledger: "Ledger",
    alerts: "Alerts",
    venue: "Venue",
    statements: "Statements",
  },
  openPositions: (count: number): string => counted(count, "open position"),
  noPositions: "You have no open position.",
  noHistory: "No position of yours was closed yet.",
  noFills: "You have no fill yet.",
  noLedger: "Nothing moved your balance yet.",
  position: "Position",
  entry: "Entry",
  exit: "Exit",
  now: "Now",
  profit: "Profit",
  liquidation: "Liq. price",
  stopTake: "Stop / take",
  actions: "Actions",
  close: "Close",
  closeAll: "Close everything",
  closeAllWhat: (count: number): string =>
    `${count === 1 ? "Your open position is" : `All ${count} open positions are`} closed at the market's prices. What has no fresh price stays open.`,
  amendWhat: (side: "long" | "short", what: string, entry: string, liquidation: string): string =>
    `${side} ${what}, entry ${entry}, liquidated at ${liquidation}. An empty field takes the stop away.`,
  closeWhat: (side: "long" | "short", what: string): string =>
    `The ${side} position of ${what} is closed at the market's price.`,
  closeOf: ({ side, quantity, symbol }: schemas.Position): string => `Close ${side} ${quantity} ${symbol}`,
  amendOf: ({ side, quantity, symbol }: schemas.Position): string => `Change the stops of ${side} ${quantity} ${symbol}`,
  partOf: (quantity: string): string => `Only a part of ${quantity}`,
  details: "Details",
  amend: "Change stops",
  save: "Save",
  cancel: "Cancel",
  read: "Read",
  time: "Time",
  closedAt: "Closed",
  result: "Result before fees",
  resultOfParts: "Before fees, with that of parts closed before",
  resultAfterFees: "Result after fees",
  why: "Why",
  receipt: "Receipt",
  action: "Action",
  actionWord: { open: "opened", close: "closed" },
  kind: "Kind",
  amount: "Amount",
  interval: "Interval",
  asTable: "As a table",
  chartOf: (symbol: string): string => `Chart of ${symbol}`,
  chartFailed: "The candles could not be read.",
  chartEmpty: "There are no candles yet.",
  chartSummary: (symbol: string, interval: string, last: string, low: string, high: string, count: number): string =>
    `${symbol}, ${counted(count, "candle")} of ${interval}: last ${last}, lowest ${low}, highest ${high}.`,
  lastCandles: (count: number, interval: string): string => `The last ${count} candles of ${interval}, newest first`,
  open: "Open",
  high: "High",
  low: "Low",
  lineTitle: (kind: "entry" | "stop" | "take" | "liquidation", side: "long" | "short"): string => `${side} ${kind}`,
  noPosition: "You have no such position",
  signInFirst: "Log in to see a receipt",
  stillOpen: "The position is open. Its receipt is written when it closes.",
  closedBecause: (when: string, why: string): string => `Closed at ${when}: ${why}.`,
  theRule: "The rule",
  theTick: "The tick it closed at",
  theMoment: "The moment",
  sameTick: "What else closed at this tick",
  sideWord: { equity: "Equity", requirement: "Required", bid: "Bid", ask: "Ask", stop: "Stop", take: "Take" },
  wouldHaveStayed: (side: "bid" | "ask", price: string): string =>
    `At ${side === "bid" ? "a bid" : "an ask"} of ${price} this rule would have left it open.`,
  byHand: "No price closed it: nothing was compared.",
  momentSummary: (symbol: string, count: number): string => `${symbol}, ${counted(count, "minute")} around the close:`,
  levelWord: { entry: "Entry", trigger: "Trigger", exit: "Exit" },
  awayMark: { "": "", above: " ↑", below: " ↓" },
  order: "Order",
  yoursMark: "yours",
  neighbours: (place: number, count: number, elsewhere: number): string =>
    [
      count === 1 ? "Nothing else of this part of the ledger closed at this tick." : `It was number ${place} of ${count} in its part of the ledger.`,
      elsewhere === 0 ? "" : `${elsewhere} closed at the same tick in other parts, side by side with these.`,
    ].join(" "),
  neighboursOf: (shown: number, count: number): string =>
    shown === count ? "In the ledger's order" : `The nearest ${shown} of ${count}, in the ledger's order`,
  feed: "Feed",
  figures: "Every figure",
  sourceTime: "Time at its source",
  offset: "Offset in the log",
  requirement: "Required",
  trigger: "Trigger",
  liquidationFee: "Liquidation fee",
  returned: "Margin returned",
  event: "Event",
  api: "API",
  chartNotice: "Charts: TradingView Lightweight Charts™, © TradingView, Inc.",
  theme: "Theme",
  themes: { system: "as the system", light: "light", dark: "dark" },
  colours: "Colours",
  colourSets: { green_red: "green and red", blue_orange: "blue and orange" },
  zone: "Time zone",
  asTheBrowser: "as the browser",
  numbers: "Numbers",
  confirm: "Ask before a close",
  opened: (side: "long" | "short", what: string, price: string): string => `Opened ${side} ${what} at ${price}.`,
  reduced: (side: "long" | "short", what: string, result: string): string => `Closed a part, result ${result} USDC: ${side} ${what} stays open.`,
  closed: (side: "long" | "short", what: string, price: string, result: string, reason: schemas.Position["close_reason"]): string =>
    `${side === "long" ? words.long : words.short} ${what} closed at ${price}, result ${result} USDC with its fees: ${reasonInWords(reason)}.`,
  closedCount: (closed: number, left: number): string =>
    left === 0 ? `${counted(closed, "position is", "positions are")} closed.` : `${counted(closed, "position is", "positions are")} closed; ${counted(left, "stays", "stay")} open:`,
  ledgerKind: {
    deposit: "Deposit",
    withdrawal: "Withdrawal",
    fee: "Fee",
    realized_pnl: "Result",
    liquidation_fee: "Liquidation fee",
  } as const satisfies Record<schemas.LedgerLine["kind"], string>,
} as const;

const REASONS: Readonly<Record<CloseReason, string>> = {
  manual: "you closed it",
  stop_loss: "its stop loss was reached",
  take_profit: "its take profit was reached",
  trailing_stop: "its trailing stop was reached",
  liquidation: "it was liquidated: its equity fell below what it had to keep",
  admin: "an administrator closed it",
  account_closed: "the account was closed",
};

/** Say why a position was closed. */
export function reasonInWords(reason: schemas.Position["close_reason"]): string {
  return reason ? REASONS[reason] : "it was closed";
}

const REASON_WORDS: Readonly<Record<CloseReason, string>> = {
  manual: "by hand",
  stop_loss: "stop loss",
  take_profit: "take profit",
  trailing_stop: "trailing stop",
  liquidation: "liquidation",
  admin: "administrator",
  account_closed: "account closed",
};

/** Say why a position was closed, in a word or two. */
export function reasonWord(reason: CloseReason): string {
  return REASON_WORDS[reason];
}

const REFUSALS: Readonly<Record<Code, string>> = {
  NOT_DECODABLE: "The exchange could not read the command.",
  WRONG_SHARD: "The command came to the wrong part of the ledger.",
  ACCOUNT_UNKNOWN: "The account is not open in the ledger yet. Try again in a moment.",
  ACCOUNT_CLOSED: "The account is closed.",
  ACCOUNT_EXISTS: "The account is open already.",
  COMMAND_ID_REUSED: "This was sent before with other content.",
  TOO_MANY_COMMANDS: "Too many orders and deposits within ten minutes. Closing still works.",
  DEADLINE_PASSED: "The order reached the exchange too late, and nothing was done.",
  DEADLINE_TOO_FAR: "The order's deadline is too far away.",
  MALFORMED: "Something in the order makes no sense.",
  FEED_NOT_SELECTED: "The prices are of a feed that is not selected.",
  SYMBOL_UNKNOWN: "There is no such market.",
  POSITION_NOT_OPEN: "The position is not open any more.",
  MARKET_HALTED: "The market is halted: nothing opens or closes.",
  MARKET_CLOSE_ONLY: "The market only closes positions now.",
  NO_PRICE: "There is no price yet.",
  PRICE_UNCONFIRMED: "The last price waits for its confirmation.",
  PRICE_STALE: "The last price is too old to trade at.",
  PRICE_TOO_OLD: "The last price is too old to open at.",
  CLOCK_SUSPECT: "The clocks of the exchange disagree: nothing opens until they agree.",
  LEVERAGE_OUT_OF_RANGE: "The leverage is outside what this market allows.",
  SLIPPAGE_EXCEEDED: "The price moved further than you allowed.",
  AMOUNT_NOT_POSITIVE: "The amount has to be above zero.",
  BELOW_MINIMUM: "The size is below the least this market takes.",
  ABOVE_MAXIMUM: "The size is above the most this market takes.",
  POSITION_NOTIONAL_LIMIT: "The position would be larger than this market allows.",
  ACCOUNT_NOTIONAL_LIMIT: "Your positions in this market together would be larger than allowed.",
  SIDE_NOTIONAL_LIMIT: "The exchange takes no more on this side of the market now.",
  DEPOSIT_LIMIT: "That is more than can be deposited in a day.",
  BALANCE_LIMIT: "That is more than an account may hold.",
  STOP_LOSS_WRONG_SIDE: "The stop loss is on the wrong side of the price.",
  TAKE_PROFIT_WRONG_SIDE: "The take profit is on the wrong side of the price.",
  LIQUIDATABLE_AT_ONCE: "With so little margin the position would be liquidated at once.",
  INSUFFICIENT_MARGIN: "There is not enough free margin.",
  CLIENT_ORDER_ID_USED: "An order of this name was sent already.",
  RULES_VERSION_NOT_NEXT: "That is not the next version of the rules.",
  TOO_MANY_POSITIONS: "You have as many open positions as an account may have.",
  REQUEST_INVALID: "Something in the request is wrong.",
  NOT_AUTHENTICATED: "Sign in first.",
  BAD_CREDENTIALS: "E-mail or password is wrong.",
  TOKEN_INVALID: "Your session is not valid. Sign in again.",
  TOKEN_EXPIRED: "Your session is over. Sign in again.",
  SIGNATURE_INVALID: "The signature is not valid.",
  CREDENTIALS_CONFLICT: "The request names two people.",
  SCOPE_MISSING: "You may not do this.",
  ROLE_READ_ONLY: "Your role may look at everything and change nothing.",
  PASSWORD_WRONG: "That is not your password.",
  LOGIN_TOO_OLD: "Sign in again first: this needs a login of the last minutes.",
  FORBIDDEN: "You may not do this.",
  CROSS_SITE_REQUEST: "The request came from another site.",
  NOT_FOUND: "There is nothing here.",
  METHOD_NOT_ALLOWED: "This cannot be done here.",
  RULES_VERSION_UNKNOWN: "The exchange does not have that version of the rules.",
  TOO_MANY_API_KEYS: "You have as many API keys as one may have.",
  TOO_MANY_ALERTS: "You have as many alerts as one may have.",
  ALERT_REACHED: "The price is there already.",
  ORDER_NOT_OPEN: "The order does not wait any more.",
  TRANSFER_NOT_PENDING: "Somebody has decided that already.",
  EMAIL_TAKEN: "There is a user with this e-mail.",
  KEY_IN_USE: "The same is being done right now.",
  PRECONDITION_FAILED: "It changed meanwhile. Look again.",
  TOO_MANY_SOCKETS: "You have as many windows and programs open as there may be. Close one.",
  TOO_MANY_IN_FLIGHT: "As many orders as may be are on their way. Wait for their answers.",
  PASSWORDS_BUSY: "Too many sign in at this moment. Try again in a few seconds.",
  BODY_TOO_LARGE: "That is too much to send.",
  HEAD_TOO_LARGE: "That is too much to send.",
  REQUEST_TOO_SLOW: "The request did not arrive in time. Check your connection and try again.",
  TOO_MANY_CONNECTIONS: "The exchange has as many connections as it takes. Try again in a few seconds.",
  UNSUPPORTED_MEDIA_TYPE: "The exchange does not read this kind of content.",
  TOO_MANY_LOGINS: "Too many failed logins. Wait a while.",
  RATE_LIMITED: "Too many requests. Wait a moment.",
  INTERNAL_ERROR: "The exchange made a mistake. Nothing is known of the outcome: look before you try again.",
  BROKER_UNAVAILABLE: "The exchange cannot reach its log. Nothing was done.",
  DATABASE_UNAVAILABLE: "The exchange cannot reach its database.",
  ENGINE_BEHIND: "The exchange is behind. The outcome will come.",
  PROJECTION_BEHIND: "What is shown is older than what was done. Try again in a moment.",
  SERVER_STOPPING: "The exchange is being restarted. Try again in a few seconds.",
  REPLAY_BUSY: "As many replays are worked on as there may be at once. Wait a moment.",
  REPLAY_UNAVAILABLE: "The replay does not answer now. All else goes on.",
};

/** Say a code of the exchange in words; a code that is newer than this page as it is. */
export function refusalInWords(code: string): string {
  return REFUSALS[code as Code] ?? code;
}

const FAULTS: Readonly<Record<TicketCode, string>> = {
  ...REFUSALS,
  NOT_SIGNED_IN: "Log in, or try it without an account, to send orders.",
  NO_CONNECTION: words.noConnection,
  EMPTY: "A number is needed.",
  NOT_A_NUMBER: "This is no number.",
  TOO_MANY_PLACES: "There are too many decimal places.",
  TOO_LARGE: "This is more than the exchange knows.",
  SLIPPAGE_OUT_OF_RANGE: "The slippage has to be between 0 and 100 %.",
  PRICE_OUT_OF_RANGE: "A price is above zero, and no larger than the exchange knows.",
};

/** Say why what was typed is no number. */
export function faultOfTyped(fault: TypedFault): string {
  return FAULTS[TYPED[fault]];
}

const TYPED = { empty: "EMPTY", not_a_number: "NOT_A_NUMBER", too_many_places: "TOO_MANY_PLACES", too_large: "TOO_LARGE" } as const satisfies Record<TypedFault, TicketCode>;

/** Say why an order cannot be sent, with the number that had to be kept. */
export function faultInWords({ code, bound }: Fault, manner: Manner): string {
  return bound === undefined ? FAULTS[code] : `${FAULTS[code]} (${bound.replace(/\d+(\.\d+)?/g, (each) => decimal(each, manner))})`;
}

const WARNINGS: Readonly<Record<Warning, string>> = {
  HIGH_LEVERAGE: "Above 20x a move of less than 5 % takes the whole margin.",
  STOP_BEYOND_LIQUIDATION: "The position is liquidated before this stop is reached.",
};

export function warningInWords(warning: Warning): string {
  return WARNINGS[warning];
}

const HEALTHS: Readonly<Record<Health, string>> = { none: "", safe: "safe", watch: "watch it", danger: "close to liquidation" };

export function healthInWords(health: Health): string {
  return HEALTHS[health];
}

const FEEDS: Readonly<Record<NonNullable<schemas.Ticker["feed"]>, string>> = {
  simulated: "SIMULATED",
  recorded: "RECORDED",
  backpack: "LIVE",
};

export function feedInWords(feed: NonNullable<schemas.Ticker["feed"]>): string {
  return FEEDS[feed];
}

export function priceStateInWords(state: schemas.Ticker["state"] | undefined): string {
  return state === undefined || state === "none" ? "none yet" : state;
}

export function ageInWords(ageMs: number | null | undefined, manner: Manner): string {
  return ageMs === null || ageMs === undefined ? "" : `${decimal((ageMs / 1000).toFixed(1), manner, 1)} s`;
}

/** Give the rule by which a position closed, by its number in docs/rules.md. */
export function ruleOf(reason: schemas.Receipt["rule"]): { readonly number: string; readonly sentence: string } {
  return RULES[reason];
}

const RULES: Readonly<Record<schemas.Receipt["rule"], { readonly number: string; readonly sentence: string }>> = {
  manual: { number: "CLOSE-01", sentence: "The owner closes a position; its result goes to cash." },
  stop_loss: { number: "TRIG-01", sentence: "A long's stop fires when the bid is at or below it, a short's when the ask is at or above it." },
  take_profit: { number: "TRIG-02", sentence: "A long's take fires when the bid is at or above it, a short's when the ask is at or below it." },
  trailing_stop: { number: "TRIG-01", sentence: "A trailing stop fires as a stop does." },
  liquidation: { number: "LIQ-01", sentence: "A position is liquidated when its equity is strictly less than what is required." },
  admin: { number: "CLOSE-01", sentence: "An administrator closed the position as its owner could." },
  account_closed: { number: "CLOSE-01", sentence: "The position was closed with its account." },
};
