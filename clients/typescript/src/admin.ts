/** What administrators do, and auditors read: markets and rules, risk, how far everything is, and money in and out. */

import { type Calls, newKey, pages } from "./calls.ts";
import type { Decimal } from "./decimals.ts";
import type {
  Activation,
  Broadcast,
  Feed,
  InstrumentRequest,
  InsuranceFund,
  Ladder,
  Lag,
  ListedAccount,
  MarketExposure,
  Parameters,
  ParametersRequest,
  Rules,
  StatusRequest,
  Transfer,
  TransferRequest,
} from "./schemas.ts";

/** A key is for who wants to send a command again later, after OutcomeUnknown or from another page. */
interface Keyed {
  readonly key?: string;
}

/** Money for an account, or from it, and why. */
export interface Movement extends Keyed {
  readonly reason?: TransferRequest["reason"];
  readonly note?: string;
}

/** Which transfers are listed; status `pending`: what waits for approval. */
export interface TransferFilter {
  readonly account_id?: string;
  readonly kind?: Transfer["kind"];
  readonly status?: Transfer["status"];
}

interface Items<Item> {
  readonly items: readonly Item[];
}

/**
 * `client.admin`, of a user whose role is administrator; an auditor may read it all and change nothing.
 *
 * A change is said to every shard. It is in force everywhere once `waiting` is empty; `broadcast(name)` says how far.
 */
export class Administration {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  // Markets and rules.

  /** List the instruments with every parameter, and whether their markets are open. */
  parameters(): Promise<readonly Parameters[]> {
    return this.#items("/admin/instruments");
  }

  /** Define a new instrument; its other parameters are as of those a ledger begins with. */
  defineInstrument(instrument: InstrumentRequest): Promise<Broadcast> {
    return this.#calls.send("POST", "/admin/instruments", instrument);
  }

  /** Change parameters of an instrument; an open position keeps the rates it was opened under. */
  changeParameters(symbol: string, parameters: ParametersRequest): Promise<Broadcast> {
    return this.#calls.send("PATCH", `/admin/instruments/${encodeURIComponent(symbol)}`, parameters);
  }

  /** Open a market, let it only close, or halt it. */
  setMarketStatus(symbol: string, status: StatusRequest["status"], { key }: Keyed = {}): Promise<Broadcast> {
    return this.#broadcast(`/admin/instruments/${encodeURIComponent(symbol)}/status`, { status }, key);
  }

  /** Let log time be the broker's again, once the broker's clock is right. */
  setClock({ key }: Keyed = {}): Promise<Broadcast> {
    return this.#broadcast("/admin/clock", undefined, key);
  }

  /** Set how many open positions an account may have. */
  setAccountLimits(positionsMax: number, { key }: Keyed = {}): Promise<Broadcast> {
    return this.#broadcast("/admin/account-limits", { positions_max: positionsMax }, key);
  }

  /** List all that was said to every shard, newest first. */
  broadcasts(): Promise<readonly Broadcast[]> {
    return this.#items("/admin/broadcasts");
  }

  /** Say which shards have answered. */
  broadcast(name: string): Promise<Broadcast> {
    return this.#calls.read(`/admin/broadcasts/${encodeURIComponent(name)}`);
  }

  /** Say which version of the rules is in force. */
  rules(): Promise<Rules> {
    return this.#calls.read("/admin/rules");
  }

  /** Go on by the next version of the rules, in every shard; the engines must have it already. */
  activateRules(version: number): Promise<Activation> {
    return this.#calls.send("POST", "/admin/rules", { version });
  }

  // Risk, and how far everything is.

  /** Sum what clients hold in each market, at the last prices. */
  exposure(): Promise<readonly MarketExposure[]> {
    return this.#items("/admin/exposure");
  }

  /** Say which positions are liquidated when a price moves by 1 %, 2 %, up to 50 %, and when all prices do. */
  liquidationLadder(): Promise<Ladder> {
    return this.#calls.read("/admin/liquidations");
  }

  /** Say what the insurance fund holds, what it received and paid, and what it could not pay. */
  insuranceFund(): Promise<InsuranceFund> {
    return this.#calls.read("/admin/insurance-fund");
  }

  /** Go through the accounts, the last opened first; account_id: this one alone. */
  accounts(filter: { readonly account_id?: string } = {}): AsyncGenerator<ListedAccount> {
    return pages(this.#calls, "/admin/accounts", { ...filter });
  }

  /** Say whose prices count, how old they are, and which tick waits for confirmation. */
  feed(): Promise<Feed> {
    return this.#calls.read("/admin/feed");
  }

  /** Say how far engine and projector are behind the log, by shard. */
  lag(): Promise<Lag> {
    return this.#calls.read("/admin/lag");
  }

  // Money.

  /** Bring money into an account; where confirmations are needed it waits for another administrator's. */
  deposit(accountId: string, amount: Decimal, { reason = "received", note, key }: Movement = {}): Promise<Transfer> {
    return this.#move(accountId, "deposits", { amount, reason, ...(note === undefined ? {} : { note }) }, key);
  }

  /** Take money out of an account's free margin; where confirmations are needed it waits for another's. */
  withdraw(accountId: string, amount: Decimal, { reason = "paid_out", note, key }: Movement = {}): Promise<Transfer> {
    return this.#move(accountId, "withdrawals", { amount, reason, ...(note === undefined ? {} : { note }) }, key);
  }

  /** Go through money in and out, newest first. */
  transfers(filter: TransferFilter = {}): AsyncGenerator<Transfer> {
    return pages(this.#calls, "/admin/transfers", { ...filter });
  }

  /** Give one transfer, with who did what to it. */
  transfer(transferId: string): Promise<Transfer> {
    return this.#calls.read(`/admin/transfers/${encodeURIComponent(transferId)}`);
  }

  /** Approve what somebody else asked for; approved already and not in the log yet, it is sent again. */
  approveTransfer(transferId: string, note?: string): Promise<Transfer> {
    return this.#decide(transferId, "approve", note);
  }

  /** End what waits for approval; its user sees the note. */
  rejectTransfer(transferId: string, note?: string): Promise<Transfer> {
    return this.#decide(transferId, "reject", note);
  }

  async #items<Item>(path: string): Promise<readonly Item[]> {
    return (await this.#calls.read<Items<Item>>(path)).items;
  }

  async #broadcast(path: string, body: unknown, key = newKey()): Promise<Broadcast> {
    const done = await this.#calls.command<Broadcast>("POST", path, body, key, { acceptsWaiting: true });
    if ("reply" in done) return done.reply;
    throw new TypeError("what waits for shards is an answer too");
  }

  async #move(accountId: string, path: string, body: TransferRequest, key = newKey()): Promise<Transfer> {
    const whole = `/admin/accounts/${encodeURIComponent(accountId)}/${path}`;
    const done = await this.#calls.command<Transfer>("POST", whole, body, key);
    if ("reply" in done) return done.reply;
    throw new TypeError("a transfer has a status of its own from the first answer on");
  }

  #decide(transferId: string, decision: string, note: string | undefined): Promise<Transfer> {
    const path = `/admin/transfers/${encodeURIComponent(transferId)}/${decision}`;
    return this.#calls.send("POST", path, note === undefined ? undefined : { note });
  }
}
