/** Orders and positions: how each is asked for, over HTTP or over a socket. */

import { type Calls, type Done, type Sending, newKey } from "./calls.ts";
import type { Decimal } from "./decimals.ts";
import type { Closing, Closings, Order, OrderRequest, Position } from "./schemas.ts";

/** A key is for who wants to send a command again later, after OutcomeUnknown or from another page. */
export interface Keyed {
  readonly key?: string;
}

/** An order at the market's price; exactly one of margin and quantity. */
export type NewOrder = Pick<OrderRequest, "symbol" | "side" | "leverage"> &
  Partial<Omit<OrderRequest, "symbol" | "side" | "leverage" | "type" | "margin" | "quantity">> &
  ({ readonly margin: Decimal } | { readonly quantity: Decimal });

/** Stops to set; null takes one off, and one that is left out stays. ifMatch: only if the `etag` is still this one. */
export interface Stops extends Keyed {
  readonly stop_loss?: Decimal | null;
  readonly take_profit?: Decimal | null;
  readonly ifMatch?: string;
}

/** A position with what it was when it was read, for `amend(..., { ifMatch })`. */
export type Versioned<Of> = Of & { readonly etag?: string };

/** What trades. A command is sent again, under one key, until its outcome is known. */
export class Trading {
  protected readonly calls: Calls;

  constructor(calls: Calls) {
    this.calls = calls;
  }

  /** Open a position at the market's price. A refusal is a Problem with its `code`. */
  async placeOrder(order: NewOrder, { key }: Keyed = {}): Promise<Order> {
    const body = { type: "market", ...order };
    const done = await this.command<Order>("POST", "/orders", body, key ?? order.client_order_id ?? newKey());
    if ("reply" in done) return done.reply;
    return done.settled.order ?? (await this.calls.read(`/orders/${encodeURIComponent(done.settled.command_id)}`));
  }

  /** Close a position at the market's price. */
  close(positionId: string, { key }: Keyed = {}): Promise<Versioned<Position>> {
    return this.#onPosition("POST", positionId, "/close", undefined, key);
  }

  /** Close a part of a position, at the market's price. */
  reduce(positionId: string, quantity: Decimal, { key }: Keyed = {}): Promise<Versioned<Position>> {
    return this.#onPosition("POST", positionId, "/close", { quantity }, key);
  }

  /** Close every position that is open now. The same key again means the same positions, and none that was opened later. */
  async closeAll({ key }: Keyed = {}): Promise<readonly Closing[]> {
    const done = await this.command<Closings>("POST", "/positions/close-all", undefined, key ?? newKey());
    return "reply" in done ? done.reply.items : [];
  }

  /** Set a position's stops. */
  amend(positionId: string, { key, ifMatch, ...stops }: Stops): Promise<Versioned<Position>> {
    return this.#onPosition("PATCH", positionId, "", stops, key, ifMatch);
  }

  protected command<Wanted>(
    method: string,
    path: string,
    body: unknown,
    key: string,
    sending: Sending = {},
  ): Promise<Done<Wanted>> {
    return this.calls.command(method, path, body, key, sending);
  }

  async #onPosition(
    method: string,
    id: string,
    path: string,
    body: unknown,
    key: string | undefined,
    ifMatch?: string,
  ): Promise<Versioned<Position>> {
    const whole = `/positions/${encodeURIComponent(id)}`;
    const done = await this.command<Versioned<Position>>(method, whole + path, body, key ?? newKey(), { ifMatch });
    // Read again it has its etag, which a command does not have.
    return "reply" in done ? done.reply : await this.calls.read(whole);
  }
}
