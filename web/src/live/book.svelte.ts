/** The signed-in person's account as its events tell it: a snapshot, then each event once. */

import { type Stream, isAccountSnapshot, isAccountUpdate, type schemas } from "reprise-client";
import { whyNot } from "../acting.svelte.ts";
import { client } from "../session.svelte.ts";
import { messages } from "../messages.svelte.ts";
import { alerts } from "../tabs/alerts.svelte.ts";
import { Frames } from "./frames.svelte.ts";

class Book {
  readonly frames = new Frames();
  /** Why it is not followed any more; null while it is. */
  failure = $state<string | null>(null);
  #account: schemas.Account | null = null;
  readonly #open = new Map<string, schemas.Position>();
  #isKnown = false;
  #happened = 0;
  #stream: Stream | undefined;

  get account(): schemas.Account | null {
    void this.frames.version;
    return this.#account;
  }

  /** Open positions, the last opened first. */
  get open(): readonly schemas.Position[] {
    void this.frames.version;
    return [...this.#open.values()].sort((one, other) => (one.opened_at < other.opened_at ? 1 : -1));
  }

  get isKnown(): boolean {
    void this.frames.version;
    return this.#isKnown;
  }

  /** How much was heard of the account: what was read before the last of it is old. */
  get happened(): number {
    void this.frames.version;
    return this.#happened;
  }

  /** Follow the account until `end`. */
  async begin(): Promise<void> {
    this.end();
    const stream = (this.#stream = client.stream(["account", "alerts"], { patienceMs: Infinity }));
    try {
      for await (const message of stream) {
        if (alerts.take(message)) continue;
        if (isAccountSnapshot(message)) this.#begin(message.data);
        else if (isAccountUpdate(message)) this.#go(message.data);
        this.#happened += 1;
        this.frames.ask();
      }
    } catch (error) {
      if (this.#stream === stream) this.failure = whyNot(error);
    }
  }

  /** Know nothing of anybody. */
  end(): void {
    this.#stream?.close();
    this.#stream = undefined;
    this.#account = null;
    this.#open.clear();
    this.#isKnown = false;
    this.failure = null;
    alerts.end();
    this.frames.ask();
  }

  #begin(snapshot: schemas.AccountSnapshot): void {
    this.#account = snapshot.account;
    this.#open.clear();
    for (const position of snapshot.positions) this.#open.set(position.id, position);
    this.#isKnown = true;
  }

  #go(update: schemas.AccountUpdate): void {
    if (update.account) this.#account = update.account;
    const { position } = update;
    if (position) {
      if (position.status === "open") this.#open.set(position.id, position);
      else this.#open.delete(position.id);
    }
    messages.tell(update);
  }
}

export const book = new Book();
