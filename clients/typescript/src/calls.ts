/** How the exchange is asked over HTTP: who is asking, what is asked again and when, and what an answer means. */

import { NotSignedIn, OutcomeUnknown, Problem, Unreachable, problemOf } from "./errors.ts";
import { readJson } from "./json.ts";
import type { Command, Problem as ProblemDocument, TokenReply, WsTicket } from "./schemas.ts";
import type { ApiKey } from "./signing.ts";

export const ROOT = "/api/v1";
const POSITION = "Ledger-Position"; // `shard:seq` of a reply; a read that brings it sees at least that
const LAG = "Projection-Lag"; // on a read that could not wait for that any longer
export const PAGE = 500;
const RENEW_BEFORE_MS = 30_000;
const PAUSE_MS = 50;
const PAUSE_MAX_MS = 2_000;
const EXPIRED = new Set(["TOKEN_EXPIRED", "NOT_AUTHENTICATED"]); // a browser drops the cookie of an expired token
// A refusal of one of these says nothing of an earlier attempt whose answer was lost; every other one is the command's
// own outcome, since a command under a known key is answered as it was before.
const SAY_NOTHING = new Set([401, 403, 408, 425, 429, 500, 502, 503, 504]);
export const ASK_AGAIN = new Set([408, 425, 429, 502, 503, 504]);
const MAY_HAVE_SENT_IT_ON = new Set([500, 502, 504]);
const NO_CONNECTION = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"]);
const REFRESH_COOKIE = /^(?:__Secure-)?refresh=/;

export type Parameters = Readonly<Record<string, string | number | null | undefined>>;

/** A reply that is no problem. behind: it is older than what we know of. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly behind: boolean;
}

/** How a client asks. cookies: the browser keeps who we are, and no token is in the page's hands. */
export interface Asking {
  readonly url: string;
  readonly apiKey: ApiKey | undefined;
  readonly cookies: boolean;
  readonly timeoutMs: number;
  readonly patienceMs: number;
}

/** How a command is sent. ifMatch: only where its `etag` is still this one. */
export interface Sending {
  readonly ifMatch?: string | undefined;
  /** Whether 202 is the reply, of what the exchange has stored and says again by itself until it is done. */
  readonly acceptsWaiting?: boolean;
  /** Sends it once, by another way than HTTP; what it throws is Lost where nobody knows whether it was done. */
  readonly attempt?: () => Promise<Answer>;
}

/** What became of a command: its reply, or, where the outcome had to be asked for, the command. */
export type Done<Wanted> = { readonly reply: Wanted } | { readonly settled: Command };

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next_cursor?: string | null;
}

/** No answer came. unsent: Node says that there was no connection; a browser never says so. */
export class Lost extends Unreachable {
  readonly unsent: boolean;

  constructor(cause: unknown) {
    const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    super(String(why), { cause });
    this.name = "Unreachable";
    this.unsent = why instanceof Error && "code" in why && NO_CONNECTION.has(String(why.code));
  }
}

/** One user's calls. */
export class Calls {
  readonly asking: Asking;
  #token: string | undefined;
  #refreshToken: string | undefined;
  #tokens = 0; // how many there were, this one included
  #renewAt = Infinity;
  #position: string | undefined;
  #renewing: Promise<void> | undefined;

  constructor(asking: Asking) {
    this.asking = asking;
  }

  /** Ask a question; it may be asked again without harm. */
  async read<Wanted>(path: string, parameters: Parameters = {}): Promise<Wanted> {
    const deadline = Date.now() + this.asking.patienceMs;
    for (let pause = PAUSE_MS; ; pause = longer(pause)) {
      let wait = pause;
      try {
        const answer = await this.#call("GET", path + queryOf(parameters));
        if (!answer.behind) return answer.body as Wanted;
        if (Date.now() + wait > deadline) {
          throw problemOf(503, { code: "PROJECTION_BEHIND", title: "What is told is older than what was done" });
        }
      } catch (error) {
        if (error instanceof Problem) {
          wait = Math.max(pause, 1000 * (error.retryAfterS ?? 0));
          if (!ASK_AGAIN.has(error.status) || Date.now() + wait > deadline) throw error;
        } else if (!(error instanceof Lost)) {
          throw error;
        } else if (Date.now() + wait > deadline) {
          throw new Unreachable(`GET ${this.asking.url}${ROOT}${path}: ${error.message}`, { cause: error });
        }
      }
      await sleep(wait);
    }
  }

  /**
   * Have something done once, however often it must be sent: the key makes all attempts one command.
   *
   * Gives the reply, or, where the outcome had to be asked for, the command. Throws the refusal that is its outcome, or
   * OutcomeUnknown when nobody told it in time.
   */
  async command<Wanted>(
    method: string,
    path: string,
    body: unknown,
    key: string,
    { ifMatch, acceptsWaiting = false, attempt }: Sending = {},
  ): Promise<Done<Wanted>> {
    const deadline = Date.now() + this.asking.patienceMs;
    let commandId: string | undefined;
    let lost = false; // whether an attempt may have been executed without our knowing
    for (let pause = PAUSE_MS; ; pause = longer(pause)) {
      let wait = pause;
      let why = "it is undecided";
      try {
        const answer = await (attempt?.() ?? this.attempt(method, path, body, key, ifMatch));
        if (answer.status !== 202 || acceptsWaiting) return { reply: answer.body as Wanted };
        lost = true;
        // Of several commands under one key the same again tells how far they are.
        commandId = (answer.body as Partial<Command>).command_id;
        const settled = commandId === undefined ? undefined : await this.#settled(commandId, deadline);
        if (settled !== undefined) return { settled };
      } catch (error) {
        if (error instanceof Problem) {
          const running = error.code === "KEY_IN_USE";
          if (!SAY_NOTHING.has(error.status) && !running) throw error;
          wait = Math.max(pause, 1000 * (error.retryAfterS ?? 0));
          why = error.message;
          lost ||= running || MAY_HAVE_SENT_IT_ON.has(error.status);
          const goesOn = ASK_AGAIN.has(error.status) || error.status === 500 || running;
          if (!goesOn || Date.now() + wait > deadline) {
            throw lost ? new OutcomeUnknown(key, commandId, why) : error;
          }
        } else if (error instanceof Lost) {
          lost ||= !error.unsent;
          why = error.message;
          if (Date.now() + wait > deadline && !lost) {
            throw new Unreachable(`${method} ${this.asking.url}${ROOT}${path}: ${why}; it was not sent`, { cause: error });
          }
        } else {
          throw error;
        }
      }
      if (Date.now() + wait > deadline) throw new OutcomeUnknown(key, commandId, why);
      await sleep(wait);
    }
  }

  /** Send a command once, over HTTP. */
  attempt(method: string, path: string, body: unknown, key: string, ifMatch: string | undefined): Promise<Answer> {
    const headers = { "Idempotency-Key": key, ...(ifMatch === undefined ? {} : { "If-Match": ifMatch }) };
    return this.#call(method, path, body, headers);
  }

  /** Let reads see at least this place of the ledger, where a reply named one. */
  notePosition(position: string | null | undefined): void {
    this.#position = position ?? this.#position;
  }

  /** Do once what has no key; it is not sent again. */
  async send<Wanted>(method: string, path: string, body?: unknown): Promise<Wanted> {
    try {
      return (await this.#call(method, path, body)).body as Wanted;
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      throw new Unreachable(`${method} ${this.asking.url}${ROOT}${path}: ${error.message}; whether it was done is not known`, { cause: error });
    }
  }

  /** Begin a session. A second one does no harm where the first one's answer was lost. */
  async signIn(email: string, password: string): Promise<void> {
    this.forget();
    const deadline = Date.now() + this.asking.patienceMs;
    for (let pause = PAUSE_MS; ; pause = longer(pause)) {
      try {
        this.#believe((await this.#request("POST", "/auth/login", { email, password })).body as TokenReply);
        return;
      } catch (error) {
        if (!(error instanceof Lost)) throw error;
        if (Date.now() + pause > deadline) throw new Unreachable(`POST ${this.asking.url}${ROOT}/auth/login: ${error.message}`, { cause: error });
      }
      await sleep(pause);
    }
  }

  /** Know no more who we were. */
  forget(): void {
    this.#token = this.#refreshToken = this.#position = undefined;
    this.#renewAt = Infinity;
  }

  /** Renew the session's token, once for all who found the same one too old. insteadOf: which one, counted. */
  async renew(insteadOf = this.#tokens): Promise<void> {
    if (this.#tokens !== insteadOf) return;
    this.#renewing ??= this.#request("POST", "/auth/refresh")
      .then((answer) => this.#believe(answer.body as TokenReply))
      .finally(() => (this.#renewing = undefined));
    await this.#renewing;
  }

  /** Get a ticket, which says once who we are on a WebSocket; undefined where we are nobody. */
  async ticket(): Promise<string | undefined> {
    if (!this.asking.cookies && this.#token === undefined && this.asking.apiKey === undefined) return undefined;
    return ((await this.#call("POST", "/ws-ticket")).body as WsTicket).ticket;
  }

  /** Ask what became of a command until it is settled; undefined where nobody knows, and it may be sent again. */
  async #settled(commandId: string, deadline: number): Promise<Command | undefined> {
    for (let pause = PAUSE_MS; ; pause = longer(pause)) {
      try {
        const command = (await this.#call("GET", `/commands/${commandId}`)).body as Command;
        if (command.status === "done") return command;
        if (command.status === "unknown") return undefined;
        if (command.status === "rejected") {
          const code = command.code as ProblemDocument["code"];
          throw problemOf(409, { code, title: "The command was refused", command_id: commandId });
        }
      } catch (error) {
        if (error instanceof Problem) {
          if (error.status === 404) return undefined; // Another process answers, which never heard of it.
          if (!ASK_AGAIN.has(error.status)) throw error;
        } else if (!(error instanceof Lost)) {
          throw error; // The command itself is not touched by a lost answer.
        }
      }
      if (Date.now() + pause > deadline) return undefined;
      await sleep(pause);
    }
  }

  /** Send once; a second time only where the token was too old, since nothing was done then. */
  async #call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
    if (Date.now() > this.#renewAt) await this.renew();
    const tokens = this.#tokens;
    try {
      return await this.#request(method, path, body, headers);
    } catch (error) {
      const mayRenew = this.asking.cookies || this.#refreshToken !== undefined;
      if (!(error instanceof NotSignedIn) || !EXPIRED.has(error.code) || !mayRenew) throw error;
      try {
        await this.renew(tokens);
      } catch (renewing) {
        throw renewing instanceof NotSignedIn ? error : renewing; // The session is over, and that is the answer.
      }
      return await this.#request(method, path, body, headers);
    }
  }

  async #request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
    const url = new URL(this.asking.url + ROOT + path);
    const content = body === undefined || body === null ? "" : JSON.stringify(body);
    const given = new Headers(headers);
    if (content !== "") given.set("Content-Type", "application/json");
    if (this.#position !== undefined) given.set(POSITION, this.#position);
    if (this.asking.apiKey !== undefined) {
      for (const [name, value] of Object.entries(await this.asking.apiKey.sign(method, url, content, given))) {
        given.set(name, value);
      }
    } else if (this.#token !== undefined) {
      given.set("Authorization", `Bearer ${this.#token}`);
    }
    if (this.#refreshToken !== undefined && path.startsWith("/auth/")) given.set("Cookie", this.#refreshToken);
    let reply: Response;
    let answered: ArrayBuffer;
    try {
      reply = await fetch(url, {
        method,
        headers: given,
        body: content === "" ? null : content,
        credentials: this.asking.cookies ? "include" : "omit",
        cache: "no-store",
        signal: AbortSignal.timeout(this.asking.timeoutMs),
      });
      answered = await reply.arrayBuffer();
    } catch (error) {
      throw new Lost(error);
    }
    this.#keepRefreshToken(reply);
    this.notePosition(reply.headers.get(POSITION));
    return answerOf(reply, new Uint8Array(answered));
  }

  #believe(token: TokenReply): void {
    this.#tokens += 1;
    const life = 1000 * token.expires_in;
    this.#renewAt = Date.now() + Math.max(life - RENEW_BEFORE_MS, life / 2);
    if (!this.asking.cookies) this.#token = token.access_token;
  }

  /** Outside a browser nobody else keeps cookies. */
  #keepRefreshToken(reply: Response): void {
    if (this.asking.cookies) return;
    const set = reply.headers.getSetCookie().find((cookie) => REFRESH_COOKIE.test(cookie));
    if (set !== undefined) this.#refreshToken = set.split(";", 1)[0];
  }
}

/** Give a reply's content, or throw the problem it is. */
function answerOf(reply: Response, content: Uint8Array): Answer {
  const kind = reply.headers.get("Content-Type") ?? "";
  if (reply.ok && kind.startsWith("application/zip")) return { status: reply.status, body: content, behind: false };
  const text = new TextDecoder().decode(content);
  if (reply.ok) {
    const body = kind.startsWith("text/csv") || text === "" ? text : readJson(text);
    const etag = reply.headers.get("ETag");
    if (etag !== null && typeof body === "object") Object.assign(body as object, { etag });
    return { status: reply.status, body, behind: reply.headers.has(LAG) };
  }
  let document: Partial<ProblemDocument>;
  try {
    document = readJson(text) as Partial<ProblemDocument>;
  } catch {
    document = { detail: text.slice(0, 200) }; // Something in between answered, not the exchange.
  }
  const after = reply.headers.get("Retry-After");
  throw problemOf(reply.status, document, after !== null && /^\d+$/.test(after) ? Number(after) : undefined);
}

function queryOf(parameters: Parameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null) query.set(name, String(value));
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/** Go through a list, page by page. */
export async function* pages<Item>(
  calls: Calls,
  path: string,
  parameters: Parameters = {},
): AsyncGenerator<Item, void, undefined> {
  let cursor: string | null | undefined;
  do {
    const part: Page<Item> = await calls.read(path, { ...parameters, limit: PAGE, cursor });
    yield* part.items;
    cursor = part.next_cursor;
  } while (cursor);
}

/** Give the key of a new command; also in a page that was not loaded over https. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Wait longer each time, and not all at the same moment. */
export function longer(pause: number, most = PAUSE_MAX_MS): number {
  return Math.min(most, pause * (1.5 + Math.random()));
}
