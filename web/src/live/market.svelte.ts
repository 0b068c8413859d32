/** The market as it was last told: instruments once, prices as they come. */

import { Problem, type Stream, Unavailable, Unreachable, type schemas, isTicker } from "reprise-client";
import { messageOf } from "../errors.ts";
import { type Terms, termsOf } from "../rules/terms.ts";
import { client } from "../session.svelte.ts";
import { Frames } from "./frames.svelte.ts";

const INSTRUMENTS_MS = 5_000; // how often they are read again: markets are halted, and there are new ones
const OLD_AFTER_MS = 5_000; // as the exchange's own prices are, PRICE-12
const SILENCE_MS = 2_000; // without a message for so long the exchange is asked whether it is there

class Market {
  /** In the order they are served; empty until they are known. */
  terms = $state.raw<readonly Terms[]>([]);
  /** Why they are not known, in the exchange's words. */
  failure = $state<string | null>(null);
  readonly frames = new Frames();
  readonly #tickers = new Map<string, { readonly ticker: schemas.Ticker; readonly heardAt: number }>();
  #told = "";
  #stream: Stream | undefined;

  /** Give a symbol's last price, as of the frame that is drawn. */
  ticker(symbol: string): schemas.Ticker | undefined {
    void this.frames.version;
    return this.#tickers.get(symbol)?.ticker;
  }

  /** Give the age of a symbol's last price, in ms; it grows while nothing is heard. */
  ageOf(symbol: string): number | null {
    void this.frames.version;
    const heard = this.#tickers.get(symbol);
    return heard?.ticker.age_ms == null ? null : heard.ticker.age_ms + Date.now() - heard.heardAt;
  }

  /** Whether the exchange, not only its feed, has been silent for longer than a price is good. */
  get isOld(): boolean {
    void this.frames.version;
    const heardAt = this.#stream?.heardAt ?? 0;
    return heardAt !== 0 && Date.now() - heardAt > OLD_AFTER_MS;
  }

  termsOf(symbol: string): Terms | undefined {
    return this.terms.find((each) => each.symbol === symbol);
  }

  /** Read the instruments again; a new one's prices are followed too. */
  async again(): Promise<void> {
    const read = await client.instruments();
    const told = JSON.stringify(read);
    if (told === this.#told) return;
    const before = this.terms.length;
    this.#told = told;
    this.terms = read.map(termsOf);
    if (before > 0 && read.length !== before) this.#stream?.close();
  }

  /** Load the instruments and follow their prices until the page is left. */
  async begin(): Promise<void> {
    setInterval(() => this.frames.ask(), 1_000); // Age and silence go on without a message.
    while (this.terms.length === 0) {
      try {
        await this.again();
        this.failure = null;
      } catch (error) {
        this.failure = messageOf(error);
        if (error instanceof Problem && !(error instanceof Unavailable)) return;
      }
      if (this.terms.length === 0) await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    void this.#readOn();
    while (true) {
      try {
        this.#stream = client.stream(
          this.terms.map((each) => `ticks.${each.symbol}`),
          { patienceMs: Infinity, silenceMs: SILENCE_MS },
        );
        for await (const message of this.#stream) {
          if (!isTicker(message)) continue;
          this.#tickers.set(message.data.symbol, { ticker: message.data, heardAt: Date.now() });
          this.frames.ask();
        }
      } catch (error) {
        this.failure = messageOf(error);
      }
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }

  /** Read the instruments every few seconds until the page is left. */
  async #readOn(): Promise<void> {
    while (true) {
      await new Promise((resolve) => setTimeout(resolve, INSTRUMENTS_MS));
      try {
        await this.again();
        this.failure = null;
      } catch (error) {
        // Where nobody answers, the silence is told already.
        this.failure = error instanceof Unreachable || error instanceof Unavailable ? null : messageOf(error);
      }
    }
  }
}

export const market = new Market();
