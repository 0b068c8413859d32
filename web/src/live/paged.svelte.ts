/** A long list of the exchange, read as far as somebody looks. */

const AT_ONCE = 200;

export class Paged<Item> {
  rows = $state.raw<readonly Item[]>([]);
  failure = $state<string | null>(null);
  readonly #make: () => AsyncGenerator<Item>;
  #source: AsyncGenerator<Item> | undefined;
  #reading = false;
  #ended = false;

  constructor(make: () => AsyncGenerator<Item>) {
    this.#make = make;
  }

  /** Read on, if there is more. */
  async more(): Promise<void> {
    if (this.#reading || this.#ended) return;
    this.#reading = true;
    this.failure = null;
    const source = (this.#source ??= this.#make());
    const read: Item[] = [];
    try {
      while (read.length < AT_ONCE) {
        const next = await source.next();
        if (next.done) {
          this.#ended = true;
          break;
        }
        read.push(next.value);
      }
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
      this.#source = undefined;
      this.#ended = true;
    } finally {
      this.#reading = false;
    }
    if (source === this.#source || this.#ended) this.rows = [...this.rows, ...read];
  }

  /** Begin anew: something happened. */
  async again(): Promise<void> {
    this.#source = this.#make();
    this.#ended = this.#reading = false;
    this.rows = [];
    await this.more();
  }
}
