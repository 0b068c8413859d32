/** What the person is told of what happened: shortly of what they did, until read of what they did not ask for. */

import type { schemas } from "reprise-client";
import { receiptOf } from "./addresses.ts";
import { closedBy, refusalInWords, words } from "./words.ts";

const SHORT_MS = 6_000;
const KEPT = 50;

export type Kind = "done" | "refused" | "unasked";

export interface Message {
  readonly id: number;
  readonly kind: Kind;
  readonly text: string;
  /** where more is said */
  readonly link?: { readonly path: string; readonly text: string };
}

class Messages {
  all = $state.raw<readonly Message[]>([]);
  #last = 0;

  say(kind: Kind, text: string, link?: Message["link"]): void {
    const id = ++this.#last;
    this.all = [...this.all, { id, kind, text, ...(link ? { link } : {}) }].slice(-KEPT);
    if (kind !== "unasked") setTimeout(() => this.drop(id), SHORT_MS);
  }

  drop(id: number): void {
    this.all = this.all.filter((each) => each.id !== id);
  }

  /** Tell an event of the account, if it is worth it. */
  tell({ event, position, code }: schemas.AccountUpdate): void {
    if (event === "CommandRejected" && code) {
      this.say("refused", refusalInWords(code));
    } else if (event === "PositionOpened" && position) {
      this.say("done", words.opened(position));
    } else if (event === "PositionReduced" && position) {
      this.say("done", words.reduced(position));
    } else if (event === "PositionClosed" && position) {
      const kind = position.close_reason === "manual" ? "done" : "unasked";
      this.say(kind, closedBy(position), { path: receiptOf(position.id), text: words.showReceipt });
    }
  }
}

export const messages = new Messages();
