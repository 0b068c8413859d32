/** Who is signed in, and the client that speaks for them. The session is in the browser's cookies, never in the page. */

import { Client, NotSignedIn, type schemas } from "reprise-client";

export const client = new Client(location.origin);

class Session {
  /** null: nobody; undefined: not known yet */
  user = $state.raw<schemas.UserReply | null | undefined>(undefined);

  get mayAdminister(): boolean {
    return this.user?.roles.includes("admin") ?? false;
  }

  /** Auditors see what administrators see. */
  get maySeeAdministration(): boolean {
    return this.mayAdminister || (this.user?.roles.includes("auditor") ?? false);
  }

  /** Ask who is signed in. */
  async find(): Promise<void> {
    try {
      this.user = await client.me();
    } catch (error) {
      if (!(error instanceof NotSignedIn)) throw error;
      this.user = null;
    }
  }

  async login(email: string, password: string): Promise<void> {
    await client.login(email, password);
    await this.find();
  }

  async register(email: string, password: string): Promise<void> {
    await client.register(email, password);
    await this.find();
  }

  /** Open an account to try the exchange with, of a name and password that nobody keeps. */
  async tryIt(): Promise<void> {
    const unguessable = (): string => crypto.randomUUID().replaceAll("-", "");
    await this.register(`try-${unguessable().slice(0, 12)}@example.com`, unguessable());
  }

  async logout(): Promise<void> {
    await client.logout();
    this.user = null;
  }
}

export const session = new Session();
