/** What can be asked of the exchange: one signed-in user's client. */

import { Administration } from "./admin.ts";
import { Calls, PAGE, newKey, pages } from "./calls.ts";
import type { Decimal } from "./decimals.ts";
import type {
  Account,
  AccountEvent,
  Alert,
  ApiKey as SavedKey,
  Candle,
  Closing,
  Command,
  DeletionReply,
  Deposit,
  Fill,
  Instrument,
  LedgerLine,
  LoginRequest,
  Order,
  OrderPreview,
  PasswordRequest,
  Position,
  Receipt,
  RegisterRequest,
  Replay,
  ReplayCommand,
  ReplayPrices,
  ReplaySteps,
  Session,
  Statement,
  TickClosings,
  Ticker,
  UserReply,
  VenueKeysReply,
  VenueOrderReply,
  VenueStanding,
  Withdrawal,
  WsTicket,
} from "./schemas.ts";
import type { ApiKey } from "./signing.ts";
import { type Listening, Stream } from "./stream.ts";
import { type Keyed, type NewOrder, type Stops, Trading, type Versioned } from "./trading.ts";
import { TradingSocket } from "./trading-socket.ts";

const TIMEOUT_MS = 10_000;
const PATIENCE_MS = 30_000;

/** How to reach the exchange, and as whom. */
export interface Options {
  /** Signs each request in place of a login. */
  readonly apiKey?: ApiKey;
  /** Whether the browser keeps the session in its cookies, and the page has no token: the default in a browser. */
  readonly cookies?: boolean;
  /** For one answer. */
  readonly timeoutMs?: number;
  /** For how long a command whose outcome is not known, or a question that was not answered, is tried again. */
  readonly patienceMs?: number;
}

/** A period of the ledger, in RFC 3339; from its beginning to now by default. */
export interface Period {
  readonly from?: string;
  readonly to?: string;
}

/** Which moment of a replay: at most one of a time (RFC 3339), an offset, and a position, which stands for its close. */
export interface When {
  readonly at?: string;
  readonly offset?: number;
  readonly position?: string;
}

/** Which steps: those behind an offset, or the last ones below one; of prices the first in each period. */
export interface WhichSteps {
  readonly after?: number;
  readonly before?: number;
  readonly limit?: number;
  readonly period_ms?: number;
  readonly keep?: number;
}

interface Items<Item> {
  readonly items: readonly Item[];
}

/** A client of one exchange: `new Client("http://127.0.0.1:8000")`, or in a page of its own `new Client(location.origin)`. */
export class Client {
  /** What administrators do, and auditors read. */
  readonly admin: Administration;
  readonly #calls: Calls;
  readonly #trading: Trading;

  constructor(url: string, options: Options = {}) {
    this.#calls = new Calls({
      url: url.replace(/\/+$/, ""),
      apiKey: options.apiKey,
      cookies: options.apiKey === undefined && (options.cookies ?? "document" in globalThis),
      timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
      patienceMs: options.patienceMs ?? PATIENCE_MS,
    });
    this.#trading = new Trading(this.#calls);
    this.admin = new Administration(this.#calls);
  }

  // Who is asking.

  /** Make a user and their account, and sign in. */
  async register(email: string, password: string, name?: string): Promise<UserReply> {
    const given: RegisterRequest = { email, password, ...(name === undefined ? {} : { name }) };
    const made = await this.#calls.send<UserReply>("POST", "/auth/register", given);
    await this.login(email, password);
    return made;
  }

  /** Sign in. The session is renewed by itself until it ends. */
  async login(email: LoginRequest["email"], password: string): Promise<void> {
    await this.#calls.signIn(email, password);
  }

  /** Renew the session's token now. */
  async refresh(): Promise<void> {
    await this.#calls.renew();
  }

  /** End the session. */
  async logout(): Promise<void> {
    await this.#calls.send("POST", "/auth/logout");
    this.#calls.forget();
  }

  /** End every session of yours, on every device; API keys stay. */
  async logoutEverywhere(): Promise<void> {
    await this.#calls.send("POST", "/auth/logout-everywhere");
    this.#calls.forget();
  }

  /** Say who is signed in. */
  me(): Promise<UserReply> {
    return this.#calls.read("/auth/me");
  }

  /** Change your password, knowing the one you have; every other session of yours ends. */
  async changePassword(password: string, newPassword: string): Promise<void> {
    const given: PasswordRequest = { password, new_password: newPassword };
    await this.#calls.send("POST", "/auth/password", given);
  }

  /** List where you are signed in: the current session, then the last begun first, a hundred at most. */
  sessions(): Promise<readonly Session[]> {
    return this.#items("/auth/sessions");
  }

  /** End one session of yours; of the current one it is a logout. */
  async endSession(sessionId: string): Promise<void> {
    await this.#calls.send("DELETE", `/auth/sessions/${encodeURIComponent(sessionId)}`);
  }

  /** Delete yourself, within fifteen minutes of a login. */
  async deleteMe(): Promise<DeletionReply> {
    const left = await this.#calls.send<DeletionReply>("DELETE", "/auth/me");
    this.#calls.forget();
    return left;
  }

  // The market.

  /** List what may be traded. */
  instruments(): Promise<readonly Instrument[]> {
    return this.#items("/instruments");
  }

  /** List the prices. */
  tickers(): Promise<readonly Ticker[]> {
    return this.#items("/tickers");
  }

  /** Go through a symbol's candles, newest first. */
  candles(symbol: string, interval: Candle["interval"] = "1m", period: Period = {}): AsyncGenerator<Candle> {
    return pages(this.#calls, "/candles", { symbol, interval, ...period });
  }

  // Orders and positions. A command is sent again, under one key, until its outcome is known.

  /** Open a position at the market's price. A refusal is a Problem with its `code`. */
  placeOrder(order: NewOrder, keyed: Keyed = {}): Promise<Order> {
    return this.#trading.placeOrder(order, keyed);
  }

  /** Say what an order would come to now, and every reason why it would be refused. Nothing is sent. */
  previewOrder(order: NewOrder): Promise<OrderPreview> {
    return this.#calls.send("POST", "/orders/preview", { type: "market", ...order });
  }

  /** Give one order of yours. */
  order(orderId: string): Promise<Order> {
    return this.#calls.read(`/orders/${encodeURIComponent(orderId)}`);
  }

  /** Go through your decided orders, newest first. */
  orders(filter: { readonly status?: Order["status"]; readonly client_order_id?: string } = {}): AsyncGenerator<Order> {
    return pages(this.#calls, "/orders", filter);
  }

  /** Go through your positions, the last opened first; the open ones by default. */
  positions(filter: { readonly status?: "open" | "closed" | "all"; readonly symbol?: string } = {}): AsyncGenerator<Position> {
    return pages(this.#calls, "/positions", filter);
  }

  /** Give one position of yours. */
  position(positionId: string): Promise<Versioned<Position>> {
    return this.#calls.read(`/positions/${encodeURIComponent(positionId)}`);
  }

  /** Close a position at the market's price. */
  close(positionId: string, keyed: Keyed = {}): Promise<Versioned<Position>> {
    return this.#trading.close(positionId, keyed);
  }

  /** Close a part of a position, at the market's price. */
  reduce(positionId: string, quantity: Decimal, keyed: Keyed = {}): Promise<Versioned<Position>> {
    return this.#trading.reduce(positionId, quantity, keyed);
  }

  /** Close every position that is open now. The same key again means the same positions, and none that was opened later. */
  closeAll(keyed: Keyed = {}): Promise<readonly Closing[]> {
    return this.#trading.closeAll(keyed);
  }

  /** Set a position's stops. */
  amend(positionId: string, stops: Stops): Promise<Versioned<Position>> {
    return this.#trading.amend(positionId, stops);
  }

  /** Say what became of a command. */
  command(commandId: string): Promise<Command> {
    return this.#calls.read(`/commands/${encodeURIComponent(commandId)}`);
  }

  // The books.

  /** Give your account. */
  account(): Promise<Account> {
    return this.#calls.read("/account");
  }

  /** Go through the changes of your balance, newest first. */
  ledger(): AsyncGenerator<LedgerLine> {
    return pages(this.#calls, "/ledger");
  }

  /** Go through your executions, newest first. */
  fills(filter: { readonly symbol?: string } = {}): AsyncGenerator<Fill> {
    return pages(this.#calls, "/fills", filter);
  }

  /** Give the receipt of a close, a position's `receipt_id`. */
  receipt(eventId: string): Promise<Receipt> {
    return this.#calls.read(`/receipts/${encodeURIComponent(eventId)}`);
  }

  /** Give what else closed at the tick of a receipt, and in which order. */
  tickClosings(eventId: string): Promise<TickClosings> {
    return this.#calls.read(`/receipts/${encodeURIComponent(eventId)}/closings`);
  }

  /** Give a period's lines, newest first, with the balance before and after it. */
  async statement(period: Period = {}): Promise<Statement> {
    const first = await this.#calls.read<Statement>("/statements", { ...period, limit: PAGE });
    const items = [...first.items];
    for (let cursor = first.next_cursor; cursor; ) {
      const part = await this.#calls.read<Statement>("/statements", { ...period, limit: PAGE, cursor });
      items.push(...part.items);
      cursor = part.next_cursor;
    }
    return { ...first, items, next_cursor: null };
  }

  /** Give a period's lines as one table of CSV with a header, newest first. */
  statementCsv(period: Period = {}): Promise<string> {
    return this.#calls.read("/statements", { ...period, format: "csv" });
  }

  /** Go through the events of your account, the oldest first. afterSeq: the last one that you have. */
  events(afterSeq = 0): AsyncGenerator<AccountEvent> {
    return pages(this.#calls, "/audit/events", { after_seq: afterSeq });
  }

  // The replay: of one's own account, or for administrators and auditors of any.

  /** Tell what there is to replay, and in `place` where a moment is in it. Where it is not ready yet, ask again. */
  replay(account?: string, when: When = {}): Promise<Replay> {
    return this.#calls.read("/audit/replay", { account, ...when });
  }

  /** List steps of an account in the log's order, each with the ledger before and after it. */
  replaySteps(account?: string, which: WhichSteps = {}): Promise<ReplaySteps> {
    return this.#calls.read("/audit/replay/steps", { account, ...which });
  }

  /** Give what a symbol's price did in a time (RFC 3339), as the log has it. */
  replayPrices(symbol: string, from: string, to: string, account?: string): Promise<ReplayPrices> {
    return this.#calls.read("/audit/replay/prices", { account, symbol, from, to });
  }

  /** Give a command of the account, or of the market, as it stands in the log. */
  replayCommand(offset: number, account?: string): Promise<ReplayCommand> {
    return this.#calls.read("/audit/replay/command", { account, offset });
  }

  /** Give what the account takes away, as a zip: its events and statement, a manifest, and their hashes. */
  replayBundle(account?: string): Promise<Uint8Array> {
    return this.#calls.read("/audit/replay/bundle", { account });
  }

  /** Bring demo money in; only the demo profile has this. */
  async deposit(amount: Decimal, { key }: Keyed = {}): Promise<Deposit> {
    const done = await this.#calls.command<Deposit>("POST", "/demo/deposit", { amount }, key ?? newKey());
    return "reply" in done ? done.reply : { command_id: done.settled.command_id, amount, event_id: null };
  }

  /** Ask for money out of your free margin; in production an administrator approves it. */
  async withdraw(amount: Decimal, { note, key }: Keyed & { readonly note?: string } = {}): Promise<Withdrawal> {
    const body = { amount, ...(note === undefined ? {} : { note }) };
    const done = await this.#calls.command<Withdrawal>("POST", "/withdrawals", body, key ?? newKey());
    if ("reply" in done) return done.reply;
    throw new TypeError("a withdrawal has a status of its own from the first answer on");
  }

  /** Go through your withdrawals, newest first. */
  withdrawals(): AsyncGenerator<Withdrawal> {
    return pages(this.#calls, "/withdrawals");
  }

  /** Give one withdrawal of yours. */
  withdrawal(withdrawalId: string): Promise<Withdrawal> {
    return this.#calls.read(`/withdrawals/${encodeURIComponent(withdrawalId)}`);
  }

  // Price alerts, and keys.

  /** Be told once when the mid gets to a price, on the stream's channel `alerts`. */
  async createAlert(
    alert: {
      readonly symbol: string;
      readonly price: Decimal;
      readonly direction?: Alert["direction"];
      readonly note?: string;
    },
    { key }: Keyed = {},
  ): Promise<Alert> {
    const done = await this.#calls.command<Alert>("POST", "/alerts", alert, key ?? newKey());
    if ("reply" in done) return done.reply;
    throw new TypeError("an alert is made at once or not at all");
  }

  /** Go through your alerts, the last made first. */
  alerts(filter: { readonly status?: Alert["status"] } = {}): AsyncGenerator<Alert> {
    return pages(this.#calls, "/alerts", filter);
  }

  /** Give one alert of yours. */
  alert(alertId: string): Promise<Alert> {
    return this.#calls.read(`/alerts/${encodeURIComponent(alertId)}`);
  }

  /** Delete an alert, whether it has triggered or not. */
  async deleteAlert(alertId: string): Promise<void> {
    await this.#calls.send("DELETE", `/alerts/${encodeURIComponent(alertId)}`);
  }

  /** Register the public half of an Ed25519 key, in base64; `newKeyPair()` makes one. It needs a login. */
  createApiKey(publicKey: string, scopes: readonly SavedKey["scopes"][number][], name?: string): Promise<SavedKey> {
    return this.#calls.send("POST", "/api-keys", { public_key: publicKey, scopes, ...(name === undefined ? {} : { name }) });
  }

  /** List your API keys, the newest first. */
  apiKeys(): Promise<readonly SavedKey[]> {
    return this.#items("/api-keys");
  }

  /** Give one API key of yours. */
  apiKey(keyId: string): Promise<SavedKey> {
    return this.#calls.read(`/api-keys/${encodeURIComponent(keyId)}`);
  }

  /** Delete an API key: what it signs is refused from here on. */
  async revokeApiKey(keyId: string): Promise<void> {
    await this.#calls.send("DELETE", `/api-keys/${encodeURIComponent(keyId)}`);
  }

  /** Say whether keys of the venue are stored for you; the keys themselves are given to nobody. */
  async hasVenueKeys(): Promise<boolean> {
    return (await this.#calls.read<VenueKeysReply>("/venue-keys")).stored;
  }

  /** Store keys of the venue, sealed, in place of those there were. */
  async storeVenueKeys(apiKey: string, secretKey: string): Promise<void> {
    await this.#calls.send("PUT", "/venue-keys", { api_key: apiKey, secret_key: secretKey });
  }

  /** Delete the stored keys of the venue. */
  async revokeVenueKeys(): Promise<void> {
    await this.#calls.send("DELETE", "/venue-keys");
  }

  /** Say whether your spot orders are carried out at the venue, what you hold there, and how it is kept to. */
  venue(): Promise<VenueStanding> {
    return this.#calls.read("/venue");
  }

  /** Go through your orders at the venue, newest first. */
  venueOrders(): AsyncGenerator<VenueOrderReply> {
    return pages(this.#calls, "/venue/orders", {});
  }

  /** Give one order of yours at the venue. */
  venueOrder(orderId: string): Promise<VenueOrderReply> {
    return this.#calls.read(`/venue/orders/${encodeURIComponent(orderId)}`);
  }

  // What happens.

  /** Get a WebSocket ticket: for whoever opens a socket as you, once, within 30 seconds. */
  async websocketTicket(): Promise<string> {
    return (await this.#calls.send<WsTicket>("POST", "/ws-ticket")).ticket;
  }

  /**
   * Trade over one WebSocket: `placeOrder`, `close`, `reduce`, `closeAll` and `amend`, many of them at once.
   *
   * It connects again by itself until `end()`. What was in flight then is asked about under its key over HTTP, and nothing
   * is done twice; until it is connected, orders go over HTTP too.
   */
  trading(): TradingSocket {
    return new TradingSocket(this.#calls);
  }

  /**
   * Follow channels: `ticks.BTC_USDC`, `candles.1m.BTC_USDC`, `account`, `alerts`.
   *
   * It connects again by itself. Of `account` each event comes exactly once and in order. after: so does what happened
   * behind this one, the `seq` of the last message that was worked through. patienceMs: for how long it connects again
   * while nobody answers, the client's by default; Infinity is for ever. silenceMs: after so long without a message the
   * exchange is asked whether it is there, which `heardAt` then says.
   */
  stream(channels: readonly string[], options: Listening = {}): Stream {
    return new Stream(this.#calls, channels, options);
  }

  async #items<Item>(path: string): Promise<readonly Item[]> {
    return (await this.#calls.read<Items<Item>>(path)).items;
  }
}
