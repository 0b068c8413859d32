/** Where the person is signed in, as the exchange last told it. */

import type { schemas } from "reprise-client";
import { whyNot } from "../acting.svelte.ts";
import { client } from "../session.svelte.ts";

/** A deletion needs a login this young; the exchange says fifteen minutes, and a minute is left to decide. */
export const YOUNG_MS = 14 * 60_000;

export class OwnSessions {
  /** null: not known yet */
  items = $state.raw<readonly schemas.Session[] | null>(null);
  failure = $state<string | null>(null);

  async read(): Promise<void> {
    try {
      this.items = await client.sessions();
      this.failure = null;
    } catch (error) {
      this.failure = whyNot(error);
    }
  }

  /** Whether the login of the session the person is in was so lately that it is no question who they are. */
  isYoung(now: number): boolean {
    const current = this.items?.find((each) => each.current);
    return current !== undefined && now - Date.parse(current.created_at) < YOUNG_MS;
  }
}
