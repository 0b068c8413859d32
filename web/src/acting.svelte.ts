/** What a form sends: once at a time, and with the reason where it was refused. */

import { Malformed, NotSignedIn, OutcomeUnknown, Problem, Unreachable } from "reprise-client";
import { messageOf } from "./errors.ts";
import { messages } from "./messages.svelte.ts";
import { session } from "./session.svelte.ts";
import { refusalInWords, words } from "./words.ts";

const SLOW_MS = 700;

export class Acting {
  busy = $state(false);
  /** Whether the answer takes so long that somebody should be told. */
  isSlow = $state(false);
  failure = $state("");

  /** Do it; false where it was refused, which `failure` says, or where it is being done already. */
  async done(act: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.failure = "";
    if (!session.isCurrent) {
      // The cookies would do it in another person's name.
      await session.find();
      this.failure = words.anotherPerson;
      return false;
    }
    this.busy = true;
    const slow = setTimeout(() => (this.isSlow = true), SLOW_MS);
    try {
      await act();
      return true;
    } catch (error) {
      this.failure = whyNot(error);
      return false;
    } finally {
      clearTimeout(slow);
      this.busy = this.isSlow = false;
    }
  }

  /** Tell why it failed, where no form beside it does; whoever is signed in no more is led to where one signs in. */
  tell(): void {
    messages.say("refused", this.failure, session.user === null ? { path: "/login", text: words.login } : undefined);
  }
}

/** Say why something was not done. Whoever's session is over is signed in no more. */
export function whyNot(error: unknown): string {
  if (error instanceof OutcomeUnknown) return words.outcomeUnknown;
  if (error instanceof Unreachable) return words.unreachable;
  if (!(error instanceof Problem)) return messageOf(error);
  if (error instanceof NotSignedIn && error.code !== "BAD_CREDENTIALS") session.end();
  const named = error instanceof Malformed ? (error.document.errors ?? []) : [];
  if (named.length > 0) return named.map(({ pointer, message }) => `${pointer.replace(/^\//, "")}: ${message}`).join(". ");
  const waits = error.retryAfterS === undefined ? "" : ` (${error.retryAfterS} s)`;
  const details = error instanceof Malformed ? ` ${error.document.detail ?? ""}` : "";
  return `${refusalInWords(error.code)}${details}${waits}`;
}
