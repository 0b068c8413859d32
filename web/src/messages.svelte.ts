/** What the person is told of what happened: shortly of what they did, until read of what they did not ask for. */

import { fromMicros, toMicros, type Decimal, type schemas } from "reprise-client";
import { receiptOf } from "./addresses.ts";
import { market } from "./live/market.svelte.ts";
import { decimal, money } from "./numbers/format.ts";
import { settings } from "./settings.svelte.ts";
import { refusalInWords, words } from "./words.ts";

const SHORT_MS = 6_000;
const KEPT = 50;
const UNREAD = "reprise.unread"; // and the account

export type Kind = "done" | "refused" | "unasked";

export interface Message {
  readonly id: number;
  readonly kind: Kind;
  readonly text: string;
  /** where more is said */
  readonly link?: { readonly path: string; readonly text: string };
}

type Told = Pick<Message, "text" | "link">;

class Messages {
  all = $state.raw<readonly Message[]>([]);
  #last = 0;
  #account: string | undefined;

  /** Say again what an account's owner has not read yet. */
  begin(account: string): void {
    if (this.#account === account) return;
    this.all = []; // What another person was told is theirs.
    this.#account = account;
    for (const { text, link } of unreadOf(account)) this.say("unasked", text, link);
  }

  /** Whoever was told things is gone. */
  end(): void {
    this.#account = undefined;
    this.all = this.all.filter((each) => each.kind !== "unasked");
  }

  say(kind: Kind, text: string, link?: Message["link"]): void {
    const id = ++this.#last;
    // What passes is not said again beside itself: ten positions of a halted market stay open for one reason.
    const others = kind === "unasked" ? this.all : this.all.filter((each) => each.kind !== kind || each.text !== text);
    this.all = [...others, { id, kind, text, ...(link ? { link } : {}) }].slice(-KEPT);
    if (kind === "unasked") this.#keep();
    else setTimeout(() => this.drop(id), SHORT_MS);
  }

  drop(id: number): void {
    this.all = this.all.filter((each) => each.id !== id);
    this.#keep();
  }

  /** Tell an event of the account, if it is worth it. */
  tell({ event, position, code, ledger }: schemas.AccountUpdate): void {
    if (event === "CommandRejected" && code) {
      this.say("refused", refusalInWords(code));
    } else if (event === "PositionOpened" && position) {
      this.say("done", words.opened(position.side, named(position), priced(position, position.entry_price)));
    } else if (event === "PositionReduced" && position) {
      this.say("done", words.reduced(position.side, named(position), resultOf(position, ledger)));
    } else if (event === "PositionClosed" && position) {
      const kind = position.close_reason === "manual" ? "done" : "unasked";
      const at = priced(position, position.close_price);
      this.say(kind, words.closed(position.side, named(position), at, resultOf(position, ledger), position.close_reason), {
        path: receiptOf(position.id),
        text: words.showReceipt,
      });
    }
  }

  /** Keep what is not read in this browser: it is there again when the page is. */
  #keep(): void {
    if (this.#account === undefined) return;
    const unread: readonly Told[] = this.all.filter((each) => each.kind === "unasked").map(({ text, link }) => (link ? { text, link } : { text }));
    try {
      localStorage.setItem(`${UNREAD}.${this.#account}`, JSON.stringify(unread));
    } catch {
      // A browser that keeps nothing forgets it with the page.
    }
  }
}

/** Read what was kept, as far as it still means something. */
function unreadOf(account: string): readonly Told[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(`${UNREAD}.${account}`) ?? "[]");
    return Array.isArray(kept) ? kept.filter((each: Told) => typeof each.text === "string" && (each.link === undefined || each.link.path.startsWith("/positions/"))) : [];
  } catch {
    return [];
  }
}

function named({ quantity, symbol }: schemas.Position): string {
  return `${decimal(quantity, settings.manner)} ${symbol}`;
}

function priced({ symbol }: schemas.Position, price: Decimal | null | undefined): string {
  return decimal(price, settings.manner, market.termsOf(symbol)?.priceDecimals);
}

/** What the event added to the balance or took from it, with its fees. */
function resultOf({ realized_pnl }: schemas.Position, ledger: schemas.AccountUpdate["ledger"] = []): string {
  const lines = ledger.map((line) => toMicros(line.amount));
  const result = lines.length === 0 ? realized_pnl : fromMicros(lines.reduce((sum, each) => sum + each, 0n));
  return money(result, settings.manner, "exceptZero");
}

export const messages = new Messages();
