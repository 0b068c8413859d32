/** What happens: a WebSocket that connects again by itself, and gives each private event exactly once. */

import { ASK_AGAIN, type Calls, ROOT, longer, sleep } from "./calls.ts";
import { Problem, RepriseError, StreamRefused, Unreachable, problemOf } from "./errors.ts";
import { readJson } from "./json.ts";
import type {
  WsAccountSnapshot,
  WsAccountUpdate,
  WsAck,
  WsAlertsSnapshot,
  WsAlertsUpdate,
  WsCandleMessage,
  WsError,
  WsFromClient,
  WsTickerMessage,
} from "./schemas.ts";

const PRIVATE = "account";
const NEEDS_LOGIN = new Set([PRIVATE, "alerts"]);
const OPEN_TIMEOUT_MS = 10_000;
const SILENCE_MS = 60_000; // The server's own pings are not shown to a page, so it is asked for a pong.
const PAUSE_MS = 50;
const PAUSE_MAX_MS = 5_000;
const EXPIRED = 4401;
// Closed for a reason that passes: going away, broken off, failed, restarting, busy, slow, asked too much.
const COME_BACK = new Set([1000, 1001, 1005, 1006, 1011, 1012, 1013, 4408, 4429]);

/** What a channel says: a snapshot is how things stand, an update what came since. */
export type Message =
  | WsAccountSnapshot
  | WsAccountUpdate
  | WsAlertsSnapshot
  | WsAlertsUpdate
  | WsTickerMessage
  | WsCandleMessage;

/** Whether a message is a snapshot of the account. */
export function isAccountSnapshot(message: Message): message is WsAccountSnapshot {
  return message.channel === PRIVATE && message.type === "snapshot";
}

/** Whether a message is an event of the account. */
export function isAccountUpdate(message: Message): message is WsAccountUpdate {
  return message.channel === PRIVATE && message.type === "update";
}

/** Whether a message is a price. */
export function isTicker(message: Message): message is WsTickerMessage {
  return message.channel.startsWith("ticks.");
}

/** Whether a message is a candle. */
export function isCandle(message: Message): message is WsCandleMessage {
  return message.channel.startsWith("candles.");
}

/** Whether a message is of the price alerts: those that are active, or one that triggered. */
export function isAlerts(message: Message): message is WsAlertsSnapshot | WsAlertsUpdate {
  return message.channel === "alerts";
}

/** Ended for a reason that passes; what is thrown where it does not pass is a RepriseError. */
class BrokenOff extends Error {}

/** How a stream listens. */
export interface Listening {
  readonly after?: number | undefined;
  readonly patienceMs?: number | undefined;
  readonly silenceMs?: number | undefined;
}

/**
 * Iterate over it: `for await (const message of stream)`; `close()` ends the iteration.
 *
 * Of `account` each event comes exactly once and in order, through any reconnect. Of prices that nobody read in time the
 * last is kept.
 */
export class Stream implements AsyncIterable<Message> {
  /** The `seq` of the last private message that was given; keep it to go on from there another day. */
  accountSeq: number | undefined;
  /** When anything was heard of the exchange last, in ms since 1970; 0 before. */
  heardAt = 0;
  #heardSeq: number | undefined;
  readonly #calls: Calls;
  readonly #channels: readonly string[];
  readonly #patienceMs: number;
  readonly #silenceMs: number;
  readonly #unread: Message[] = [];
  readonly #closing = new AbortController();
  #wake: () => void = () => undefined;
  #failure: unknown;
  #answered = false; // by whom we are connected to

  constructor(calls: Calls, channels: readonly string[], { after, patienceMs, silenceMs = SILENCE_MS }: Listening = {}) {
    if (typeof WebSocket === "undefined") throw new RepriseError("there is no WebSocket here: Node 22 or newer has one");
    this.accountSeq = this.#heardSeq = after;
    this.#calls = calls;
    this.#channels = channels;
    this.#patienceMs = patienceMs ?? calls.asking.patienceMs;
    this.#silenceMs = silenceMs;
    this.#forever().catch((error: unknown) => {
      this.#failure = error;
      this.#closing.abort();
      this.#wake();
    });
  }

  /** End the iteration, and let go of the socket. */
  close(): void {
    this.#closing.abort();
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    try {
      while (true) {
        const message = await this.next();
        if (message === undefined) return;
        yield message;
      }
    } finally {
      this.close();
    }
  }

  /** Wait until the account is followed: from then on whatever happens is told. */
  async ready(): Promise<void> {
    while (this.#channels.includes(PRIVATE) && this.#heardSeq === undefined) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#closing.signal.aborted) return;
      await this.#news(Infinity);
    }
  }

  /** Give the next message, or undefined where none comes in time, which is then the next, or the stream is closed. */
  async next(timeoutMs?: number): Promise<Message | undefined> {
    const deadline = timeoutMs === undefined ? Infinity : Date.now() + timeoutMs;
    while (true) {
      const message = this.#unread.shift();
      if (message !== undefined) {
        if (message.channel === PRIVATE) this.accountSeq = message.seq;
        return message;
      }
      if (this.#failure !== undefined) throw this.#failure;
      const left = deadline - Date.now();
      if (this.#closing.signal.aborted || left <= 0) return undefined;
      await this.#news(left);
    }
  }

  #news(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = timeoutMs === Infinity ? undefined : setTimeout(resolve, timeoutMs);
      const others = this.#wake;
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = () => undefined;
        others();
        resolve();
      };
    });
  }

  #give(message: Message): void {
    // A slow reader misses prices, but never the last one.
    const late = isTicker(message) ? this.#unread.findIndex((each) => each.channel === message.channel) : -1;
    if (late >= 0) this.#unread.splice(late, 1);
    this.#unread.push(message);
    this.#wake();
  }

  /** Connect, and again after each end that passes, until nobody answered for as long as the patience lasts. */
  async #forever(): Promise<void> {
    let pause = PAUSE_MS;
    let heard = Date.now();
    while (!this.#closing.signal.aborted) {
      let why: unknown;
      try {
        await this.#connection();
      } catch (error) {
        why = error;
        if (error instanceof Problem ? !ASK_AGAIN.has(error.status) : error instanceof StreamRefused) throw error;
        if (!(error instanceof BrokenOff || error instanceof RepriseError)) throw error;
      }
      if (this.#answered) {
        this.#answered = false;
        heard = Date.now();
        pause = PAUSE_MS;
      }
      if (Date.now() - heard > this.#patienceMs) throw new Unreachable(`the stream: ${String(why)}`, { cause: why });
      await Promise.race([sleep(pause), aborted(this.#closing.signal)]);
      pause = longer(pause, PAUSE_MAX_MS);
    }
  }

  /** Hear one connection to its end. */
  async #connection(): Promise<void> {
    const isPrivate = this.#channels.some((channel) => NEEDS_LOGIN.has(channel));
    const ticket = isPrivate ? await this.#ticket() : undefined;
    if (this.#closing.signal.aborted) return;
    const socket = new WebSocket(`${this.#calls.asking.url.replace(/^http/, "ws")}${ROOT}/ws`);
    const timers = new Timers();
    const close = (): void => socket.close();
    this.#closing.signal.addEventListener("abort", close);
    try {
      await new Promise<void>((resolve, reject) => {
        const end = (error?: Error): void => (error === undefined ? resolve() : reject(error));
        timers.set("silence", OPEN_TIMEOUT_MS, () => end(new BrokenOff("it does not open")));
        let askedBehind: number | undefined;
        const say = (message: WsFromClient): void => socket.send(JSON.stringify(message));
        const renew = (): void => {
          this.#ticket(true).then(
            (renewed) => {
              if (renewed !== undefined && socket.readyState === WebSocket.OPEN) say({ op: "auth", ticket: renewed });
            },
            // A time without network is no reason to give up yet; the socket ends with 4401 where it lasts.
            (error: unknown) => (error instanceof Problem && !ASK_AGAIN.has(error.status) ? end(error) : undefined),
          );
        };
        const listen = (): void => {
          this.heardAt = Date.now();
          timers.set("silence", this.#silenceMs, () => {
            say({ op: "ping" });
            timers.set("silence", OPEN_TIMEOUT_MS, () => end(new BrokenOff("it is silent")));
          });
        };
        socket.onopen = () => {
          listen();
          this.#greet(say, ticket);
        };
        socket.onerror = () => undefined; // `onclose` comes too, and says why.
        socket.onclose = (closed) => end(reasonOf(closed, this.#closing.signal.aborted));
        socket.onmessage = (event) => {
          listen();
          try {
            const content = readJson(String(event.data)) as Message | WsError | WsAck | { type: "pong" | "resync" };
            if (content.type === "error") {
              const { op, error } = content as WsError;
              // A ticket that came too late is followed by another; where the session is over, there is none.
              if (op === "auth" && error.status === 401) end(new BrokenOff(error.code));
              else end(problemOf(error.status, error));
            } else if (content.type === "ack") {
              this.#answered = true;
              const until = (content as WsAck).signed_in_until;
              if (until) timers.set("renew", Math.max(1_000, (Date.parse(until) - Date.now()) * 0.8), renew);
            } else if ("channel" in content && (content.type === "snapshot" || content.type === "update")) {
              this.#answered = true;
              const missing = this.#hear(content as Message);
              if (missing !== undefined && askedBehind !== missing) {
                askedBehind = missing;
                say({ op: "resume", channel: PRIVATE, after: missing });
              }
            }
          } catch (error) {
            end(error as Error);
          }
        };
      });
    } finally {
      timers.clear();
      this.#closing.signal.removeEventListener("abort", close);
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  /** Say who we are, and what we want to hear; what was heard of `account` before goes on behind it. */
  #greet(say: (message: WsFromClient) => void, ticket: string | undefined): void {
    if (ticket !== undefined) say({ op: "auth", ticket });
    const resumes = this.#channels.includes(PRIVATE) && this.#heardSeq !== undefined;
    const channels = this.#channels.filter((channel) => channel !== PRIVATE || !resumes);
    if (channels.length > 0) say({ op: "subscribe", channels });
    if (resumes && this.#heardSeq !== undefined) say({ op: "resume", channel: PRIVATE, after: this.#heardSeq });
  }

  /** Keep a message that is new; gives behind which private event something is missing, if so. */
  #hear(message: Message): number | undefined {
    if (message.channel !== PRIVATE) {
      this.#give(message);
    } else if (message.type === "snapshot") {
      if (message.seq < (this.#heardSeq ?? 0)) {
        this.#answered = false;
        throw new BrokenOff("what answers now is behind what was heard");
      }
      this.#heardSeq = message.seq;
      this.#give(message);
    } else if (this.#heardSeq === undefined || message.seq === this.#heardSeq + 1) {
      this.#heardSeq = message.seq;
      this.#give(message);
    } else if (message.seq > this.#heardSeq + 1) {
      return this.#heardSeq; // What came too early is left out, and asked for with the rest.
    }
    return undefined;
  }

  /** Get a ticket; fresh: of a token that was just renewed, since a ticket signs in for as long as its token is good. */
  async #ticket(fresh = false): Promise<string | undefined> {
    if (fresh && this.#calls.asking.apiKey === undefined) await this.#calls.renew();
    return this.#calls.ticket();
  }
}

/** Why a socket ended; nothing where we ended it. */
function reasonOf(closed: CloseEvent, wanted: boolean): Error | undefined {
  if (wanted) return undefined;
  if (COME_BACK.has(closed.code) || closed.code === EXPIRED) return new BrokenOff(`closed with ${closed.code}`);
  return new StreamRefused(closed.reason, closed.code);
}

/** Timers by name; setting one again takes the one before it back. */
class Timers {
  readonly #set = new Map<string, ReturnType<typeof setTimeout>>();

  set(name: string, ms: number, then: () => void): void {
    clearTimeout(this.#set.get(name));
    this.#set.set(name, setTimeout(then, Math.min(ms, 2 ** 31 - 1)));
  }

  clear(): void {
    for (const timer of this.#set.values()) clearTimeout(timer);
    this.#set.clear();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
