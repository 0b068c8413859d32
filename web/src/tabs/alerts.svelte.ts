/** The person's price alerts: those that wait as the stream tells them, and how often anything of them changed. */

import type { Message, schemas } from "reprise-client";
import { isAlerts } from "reprise-client";
import { Frames } from "../live/frames.svelte.ts";
import { messages } from "../messages.svelte.ts";
import { tabWords } from "./words.ts";

class Alerts {
  readonly #frames = new Frames();
  /** Those that wait, by their id. */
  readonly #waiting = new Set<string>();
  #changes = 0;

  get waiting(): number {
    void this.#frames.version;
    return this.#waiting.size;
  }

  /** How often anything changed: what was read before the last is old. */
  get changes(): number {
    void this.#frames.version;
    return this.#changes;
  }

  /** Take what the stream says, if it is of alerts. */
  take(message: Message): boolean {
    if (!isAlerts(message)) return false;
    if (message.type === "snapshot") {
      this.#waiting.clear();
      for (const { id } of message.data) this.#waiting.add(id);
      this.#changed();
    } else {
      this.forget(message.data.id);
      messages.say("unasked", tabWords.alertTriggered(message.data));
    }
    return true;
  }

  add({ id }: schemas.Alert): void {
    this.#waiting.add(id);
    this.#changed();
  }

  /** One of this id waits no more. */
  forget(id: string): void {
    this.#waiting.delete(id);
    this.#changed();
  }

  /** Know of nobody's. */
  end(): void {
    this.#waiting.clear();
    this.#changed();
  }

  #changed(): void {
    this.#changes += 1;
    this.#frames.ask();
  }
}

export const alerts = new Alerts();
