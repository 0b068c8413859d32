/** What a form sends: once at a time, and with the reason where it was refused. */

import { Malformed, NotSignedIn, Problem } from "reprise-client";
import { messageOf } from "./errors.ts";
import { session } from "./session.svelte.ts";
import { refusalInWords } from "./words.ts";

export class Acting {
  busy = $state(false);
  failure = $state("");

  /** Do it; false where it was refused, which `failure` says, or where it is being done already. */
  async done(act: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.failure = "";
    try {
      await act();
      return true;
    } catch (error) {
      this.failure = whyNot(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}

/** Say why something was not done. Whoever's session is over is signed in no more. */
export function whyNot(error: unknown): string {
  if (!(error instanceof Problem)) return messageOf(error);
  if (error instanceof NotSignedIn && error.code !== "BAD_CREDENTIALS") session.user = null;
  const named = error instanceof Malformed ? (error.document.errors ?? []) : [];
  if (named.length > 0) return named.map(({ pointer, message }) => `${pointer.replace(/^\//, "")}: ${message}`).join(". ");
  const waits = error.retryAfterS === undefined ? "" : ` (${error.retryAfterS} s)`;
  return `${refusalInWords(error.code)}${waits}`;
}
