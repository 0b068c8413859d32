/** A long list of the exchange, read as far as somebody looks. */

import { whyNot } from "../acting.svelte.ts";

const AT_ONCE = 200;

export class Paged<Item> {
  rows = $state.raw<readonly Item[]>([]);
  failure = $state<string | null>(null);
  /** Whether it was read at all: an empty list is not one that is not known yet. */
  isRead = $state(false);
  /** Whether `rows` are all there are. */
  isWhole = $state(false);
  readonly #make: () => AsyncGenerator<Item>;
  #source: AsyncGenerator<Item> | undefined;
  #reading = false;

  constructor(make: () => AsyncGenerator<Item>) {
    this.#make = make;
  }

  /** Read on, if there is more. */
  async more(): Promise<void> {
    if (this.#reading || this.isWhole) return;
    const before = this.#source === undefined ? [] : this.rows;
    await this.#read((this.#source ??= this.#make()), before);
  }

  /** Begin anew: something happened. What is shown stays until the new is there. */
  async again(): Promise<void> {
    await this.#read((this.#source = this.#make()), []);
  }

  async #read(source: AsyncGenerator<Item>, before: readonly Item[]): Promise<void> {
    this.#reading = true;
    const read: Item[] = [];
    let ended = false;
    let failure: string | null = null;
    try {
      while (read.length < AT_ONCE && !ended) {
        const next = await source.next();
        if (next.done) ended = true;
        else read.push(next.value);
      }
    } catch (error) {
      failure = whyNot(error);
    }
    if (source !== this.#source) return; // It was begun anew meanwhile.
    this.#reading = false;
    this.failure = failure;
    // What failed is not tried again by itself: what happens next begins anew.
    this.isWhole = ended || failure !== null;
    if (failure === null) {
      this.rows = [...before, ...read];
      this.isRead = true;
    }
  }
}
