/** Who is signed in, and the client that speaks for them. The session is in the browser's cookies, never in the page. */

import { Client, NotSignedIn, type schemas } from "reprise-client";

export const client = new Client(location.origin);

/** Where all tabs of this browser, which share its cookies, find whom these are of. */
const SIGNED_IN_AS = "reprise.signed-in-as";

class Session {
  /** null: nobody; undefined: not known yet */
  user = $state.raw<schemas.UserReply | null | undefined>(undefined);

  /** How often somebody left: what they typed and were told is nobody else's. */
  left = $state(0);

  get mayAdminister(): boolean {
    return this.user?.roles.includes("admin") ?? false;
  }

  /** Auditors see what administrators see. */
  get maySeeAdministration(): boolean {
    return this.mayAdminister || (this.user?.roles.includes("auditor") ?? false);
  }

  /** Whether the browser's cookies are still those of whom this page shows; another tab may have changed them. */
  get isCurrent(): boolean {
    return signedInAs() === (this.user?.id ?? "");
  }

  /** Look again when another tab says that somebody signed in or out, and when this one is looked at again. */
  follow(): void {
    const look = (): void => {
      if (this.user !== undefined && !this.isCurrent) void this.find();
    };
    addEventListener("storage", look);
    addEventListener("visibilitychange", look);
    addEventListener("pageshow", look);
  }

  /** Ask who is signed in. */
  async find(): Promise<void> {
    try {
      this.#become(await client.me());
    } catch (error) {
      if (!(error instanceof NotSignedIn)) throw error;
      this.#become(null);
    }
  }

  /** The session is over: nobody is signed in. */
  end(): void {
    this.#become(null);
  }

  #become(user: schemas.UserReply | null): void {
    if (this.user && this.user.id !== user?.id) this.left += 1;
    this.user = user;
    try {
      localStorage.setItem(SIGNED_IN_AS, user?.id ?? "");
    } catch {
      // Where a browser keeps nothing, its tabs cannot tell each other.
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
    try {
      await client.logout();
    } catch (error) {
      if (!(error instanceof NotSignedIn)) throw error; // Another tab was first.
    }
    this.#become(null);
  }
}

/** The id of whom the cookies are of as far as any tab knows; empty for nobody. */
function signedInAs(): string {
  try {
    return localStorage.getItem(SIGNED_IN_AS) ?? "";
  } catch {
    return session.user?.id ?? "";
  }
}

export const session = new Session();
