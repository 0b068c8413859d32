/** What administrators look at, read again every few seconds while somebody looks. */

import { Forbidden, NotSignedIn, type schemas } from "reprise-client";
import { messageOf } from "../errors.ts";
import { client, session } from "../session.svelte.ts";

const EVERY_MS = 4_000;
const TRANSFERS_MAX = 200;

export interface Seen {
  readonly feed: schemas.Feed;
  readonly lag: schemas.Lag;
  readonly fund: schemas.InsuranceFund;
  readonly exposure: readonly schemas.MarketExposure[];
  readonly ladder: schemas.Ladder;
  readonly markets: readonly schemas.Parameters[];
  readonly broadcasts: readonly schemas.Broadcast[];
  readonly transfers: readonly schemas.Transfer[];
}

class Board {
  /** null before the first reading */
  seen = $state.raw<Seen | null>(null);
  /** ISO time of the last reading */
  readAt = $state<string | null>(null);
  /** Why the last reading failed; null where it did not. */
  failure = $state<string | null>(null);
  /** Whether the exchange says that this person may not. */
  refused = $state(false);
  #soon: (() => void) | undefined;

  /** Read until the returned function is called. */
  begin(): () => void {
    this.refused = false;
    let over = false;
    void this.#go(() => over);
    return () => {
      over = true;
      this.seen = this.readAt = this.failure = null;
      this.#soon?.();
    };
  }

  /** Read now: something was changed. */
  again(): void {
    this.#soon?.();
  }

  async #go(isOver: () => boolean): Promise<void> {
    while (!isOver() && !this.refused) {
      if (!document.hidden) await this.#read(isOver);
      await new Promise<void>((resolve) => {
        this.#soon = resolve;
        setTimeout(resolve, EVERY_MS);
      });
    }
  }

  async #read(isOver: () => boolean): Promise<void> {
    const { admin } = client;
    try {
      const [feed, lag, fund, exposure, ladder, markets, broadcasts, transfers] = await Promise.all([
        admin.feed(),
        admin.lag(),
        admin.insuranceFund(),
        admin.exposure(),
        admin.liquidationLadder(),
        admin.parameters(),
        admin.broadcasts(),
        waiting(),
      ]);
      if (isOver()) return;
      this.seen = { feed, lag, fund, exposure, ladder, markets, broadcasts, transfers };
      this.readAt = new Date().toISOString();
      this.failure = null;
    } catch (error) {
      if (isOver()) return;
      this.failure = messageOf(error);
      this.refused = error instanceof Forbidden;
      if (error instanceof NotSignedIn) session.end();
    }
  }
}

/** Read the transfers that wait for a decision, newest first. */
async function waiting(): Promise<readonly schemas.Transfer[]> {
  const found: schemas.Transfer[] = [];
  for await (const transfer of client.admin.transfers({ status: "pending" })) {
    found.push(transfer);
    if (found.length >= TRANSFERS_MAX) break;
  }
  return found;
}

export const board = new Board();
