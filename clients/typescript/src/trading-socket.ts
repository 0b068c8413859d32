/** Orders over a WebSocket that connects again by itself: each is answered there, or asked about, and executed once. */

import { ASK_AGAIN, type Answer, type Calls, type Done, Lost, ROOT, type Sending, longer, sleep } from "./calls.ts";
import { NotSignedIn, Problem, RepriseError, problemOf } from "./errors.ts";
import { readJson } from "./json.ts";
import type { WsAck, WsError, WsFromClient, WsOutcome, WsShutdown } from "./schemas.ts";
import { Trading } from "./trading.ts";

const IN_FLIGHT_MAX = 256; // what the exchange takes of one socket
const OPEN_TIMEOUT_MS = 10_000;
const SILENCE_MS = 30_000; // The server's own pings are not shown to a page, so it is asked for a pong.
const PAUSE_MS = 50;
const PAUSE_MAX_MS = 5_000;

type Reply = WsOutcome | WsError;

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (why: Lost) => void;
}

/**
 * Orders of one socket: many may wait for their outcomes at once.
 *
 * While it stays connected they get into the log in the order in which the calls were made. Where it breaks off, each
 * order in flight is asked about under its key over HTTP, and the socket connects again meanwhile.
 */
export class TradingSocket extends Trading {
  #socket: WebSocket | undefined; // once it is signed in, and until it ends
  #connected: () => void = () => undefined;
  #failure: unknown;
  #ended = false;
  #number = 0;
  readonly #waiting = new Map<number, Waiting>();
  readonly #turns: (() => void)[] = []; // of those beyond what the exchange takes
  #inFlight = 0;
  #end: () => void = () => undefined;

  constructor(calls: Calls) {
    if (typeof WebSocket === "undefined") throw new RepriseError("there is no WebSocket here: Node 22 or newer has one");
    super(calls);
    void this.#keep();
  }

  /** Whether orders go over the socket now. */
  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  /** Wait until it is connected and signed in; throws where it is refused. */
  async ready(): Promise<void> {
    while (!this.isConnected && !this.#ended) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        const others = this.#connected;
        this.#connected = () => {
          others();
          resolve();
        };
      });
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Let go of the socket; a call that still waits goes on over HTTP. */
  end(): void {
    this.#ended = true;
    this.#end();
    this.#tell();
  }

  protected override command<Wanted>(
    method: string,
    path: string,
    body: unknown,
    key: string,
    sending: Sending = {},
  ): Promise<Done<Wanted>> {
    const attempt = (): Promise<Answer> => this.#attempt(method, path, body, key, sending.ifMatch);
    return this.calls.command(method, path, body, key, { ...sending, attempt });
  }

  /** Send an order once: over the socket while it is there, else over HTTP. */
  async #attempt(method: string, path: string, body: unknown, key: string, ifMatch: string | undefined): Promise<Answer> {
    if (this.#inFlight >= IN_FLIGHT_MAX) await new Promise<void>((resolve) => this.#turns.push(resolve));
    else this.#inFlight += 1;
    try {
      if (this.#socket !== undefined) return await this.#ask(this.#socket, operationOf(method, path, body), key, ifMatch);
    } catch (error) {
      if (!(error instanceof NotSignedIn)) throw error; // Nothing was done; over HTTP the token is renewed.
    } finally {
      const next = this.#turns.shift();
      if (next === undefined) this.#inFlight -= 1;
      else next(); // It takes the place.
    }
    return this.calls.attempt(method, path, body, key, ifMatch);
  }

  async #ask(socket: WebSocket, operation: object, key: string, ifMatch: string | undefined): Promise<Answer> {
    const id = (this.#number += 1);
    const versioned = ifMatch === undefined ? {} : { if_match: ifMatch };
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const reply = await new Promise<Reply>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        const late = new Error("the exchange did not answer over the socket in time");
        timer = setTimeout(() => reject(new Lost(late)), this.calls.asking.timeoutMs);
        socket.send(JSON.stringify({ id, idempotency_key: key, ...versioned, ...operation }));
      });
      this.calls.notePosition(reply.ledger_position);
      if (reply.type === "error") throw problemOf(reply.error.status, reply.error, reply.retry_after_s ?? undefined);
      if (reply.etag) Object.assign(reply.data, { etag: reply.etag });
      return { status: reply.status, body: reply.data, behind: false };
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** Connect, and again after each end, until it is ended, or is refused for a reason that does not pass. */
  async #keep(): Promise<void> {
    let pause = PAUSE_MS;
    while (!this.#ended) {
      try {
        if (await this.#connection()) pause = PAUSE_MS;
      } catch (error) {
        if (!(error instanceof RepriseError) || (error instanceof Problem && !ASK_AGAIN.has(error.status))) {
          // What is sent from here on goes over HTTP, whose answer says so.
          this.#failure = error;
          this.#tell();
          return;
        }
      }
      await sleep(pause);
      pause = longer(pause, PAUSE_MAX_MS);
    }
  }

  /** Serve one connection to its end; whether it was signed in. */
  async #connection(): Promise<boolean> {
    const ticket = await this.calls.ticket();
    if (ticket === undefined) throw problemOf(401, { code: "NOT_AUTHENTICATED", title: "Sign in first" });
    if (this.#ended) return false;
    const socket = new WebSocket(`${this.calls.asking.url.replace(/^http/, "ws")}${ROOT}/ws`);
    const say = (message: WsFromClient): void => socket.send(JSON.stringify(message));
    let signedIn = false;
    let silence: ReturnType<typeof setTimeout> | undefined;
    let renewing: ReturnType<typeof setTimeout> | undefined;
    const renew = (): void => {
      // Where no ticket comes, the socket ends with 4401 and connects with another one.
      const fresh = this.calls.asking.apiKey === undefined ? this.calls.renew() : Promise.resolve();
      fresh
        .then(() => this.calls.ticket())
        .then(
          (another) => {
            if (another !== undefined && socket.readyState === WebSocket.OPEN) say({ op: "auth", ticket: another });
          },
          () => undefined,
        );
    };
    try {
      await new Promise<void>((resolve, reject) => {
        const listen = (): void => {
          clearTimeout(silence);
          silence = setTimeout(() => {
            if (socket.readyState === WebSocket.OPEN) say({ op: "ping" });
            silence = setTimeout(resolve, OPEN_TIMEOUT_MS);
          }, SILENCE_MS);
        };
        silence = setTimeout(resolve, OPEN_TIMEOUT_MS);
        this.#end = resolve;
        socket.onopen = () => {
          listen();
          say({ op: "auth", ticket });
        };
        socket.onerror = () => undefined; // `onclose` comes too.
        socket.onclose = () => resolve();
        socket.onmessage = (event) => {
          listen();
          const content = readJson(String(event.data)) as Reply | WsAck | WsShutdown | { type: "pong" };
          if (content.type === "ack") {
            signedIn = true;
            this.#socket = socket;
            this.#tell();
            const until = content.signed_in_until;
            clearTimeout(renewing);
            if (until) renewing = setTimeout(renew, Math.max(1_000, (Date.parse(until) - Date.now()) * 0.8));
          } else if (content.type === "server_shutdown") {
            this.#socket = undefined; // What is in flight is still answered; what comes next is not taken any more.
          } else if (content.type === "outcome" || content.type === "error") {
            const waiting = typeof content.id === "number" ? this.#waiting.get(content.id) : undefined;
            if (waiting !== undefined) waiting.resolve(content);
            else if (content.type === "error" && !signedIn) reject(problemOf(content.error.status, content.error));
          }
        };
      });
    } finally {
      clearTimeout(silence);
      clearTimeout(renewing);
      this.#socket = undefined;
      socket.onmessage = socket.onclose = null;
      socket.close();
      for (const waiting of this.#waiting.values()) waiting.reject(new Lost(new Error("the socket broke off")));
    }
    return signedIn;
  }

  #tell(): void {
    const connected = this.#connected;
    this.#connected = () => undefined;
    connected();
  }
}

/** Give the operation, and its arguments, that a request of REST is over the socket. */
function operationOf(method: string, path: string, body: unknown): object {
  const given = (body ?? {}) as object;
  if (path === "/orders") return { op: "order.place", args: given };
  if (path === "/positions/close-all") return { op: "order.close_all", args: {} };
  const args = { position_id: decodeURIComponent(path.split("/")[2] ?? ""), ...given };
  if (method === "PATCH") return { op: "order.amend", args };
  return { op: body === undefined ? "order.close" : "order.reduce", args };
}
