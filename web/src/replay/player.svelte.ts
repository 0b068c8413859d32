/** Where a replay is: the steps around it, and whether they play. Pages of steps are asked for as they are needed. */

import { type When, type schemas } from "reprise-client";
import { client } from "../session.svelte.ts";
import { type Speed, joined, ledgerBefore, periodOf, speedAfter, turnOf } from "./changes.ts";

const PAGE = 100;
const KEPT = 600;
const SOON = 30; // steps from the end of what is loaded
const ASK_AGAIN_MS = 300;

export class Player {
  overview = $state.raw<schemas.Replay | null>(null);
  steps = $state.raw<readonly schemas.ReplayStep[]>([]);
  at = $state(0);
  event = $state(0);
  playing = $state(false);
  speed = $state<Speed>(1);
  failure = $state<unknown>(null);

  readonly account: string | undefined;
  #previous: number | null = null;
  #next: number | null = null;
  #loading = false;
  #round = 0; // of pages: what belongs to an earlier one comes too late
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(account: string | undefined) {
    this.account = account;
  }

  get step(): schemas.ReplayStep | undefined {
    return this.steps[this.at];
  }

  get before(): schemas.ReplayLedger | null {
    return ledgerBefore(this.steps, this.at);
  }

  /** Go to a moment; without one to the last step there is. */
  async open(when: When): Promise<void> {
    this.pause();
    this.failure = null;
    try {
      let found = await client.replay(this.account, when);
      while (!found.is_ready && !this.#ended) {
        this.overview = found;
        await new Promise((go) => setTimeout(go, ASK_AGAIN_MS));
        found = await client.replay(this.account, when);
      }
      if (this.#ended) return;
      this.overview = found;
      await this.#around(found.place ?? found.end?.offset ?? 0);
    } catch (error) {
      this.failure = error;
    }
  }

  /** Go to the command at an offset, or to the last step before it. */
  async seek(offset: number): Promise<void> {
    this.pause();
    const known = this.steps.findIndex((step) => step.offset === offset);
    if (known >= 0) this.#to(known);
    else await this.#guarded(() => this.#around(offset));
  }

  /** Go a step on, or back. */
  async move(by: 1 | -1): Promise<void> {
    if (this.at + by < 0 || this.at + by >= this.steps.length) await this.#load(by);
    this.#to(this.at + by);
    void this.#load(by);
  }

  /** Go to the next event of the step, or the one before; past its ends to the steps beside it. */
  async moveEvent(by: 1 | -1): Promise<void> {
    const count = this.step?.events.length ?? 0;
    const to = this.event + by;
    if (to >= 0 && to < count) {
      this.event = to;
      return;
    }
    const was = this.at;
    await this.move(by);
    if (by === -1 && this.at !== was) this.event = Math.max(0, (this.step?.events.length ?? 1) - 1);
  }

  /** Stand on an event of the step, where it has so many. */
  show(event: number): void {
    if (event > 0 && event < (this.step?.events.length ?? 0)) this.event = event;
  }

  async first(): Promise<void> {
    const opened = this.overview?.opened;
    if (opened) await this.seek(opened.offset);
  }

  async last(): Promise<void> {
    const end = this.overview?.end;
    if (end) await this.seek(end.offset);
  }

  play(): void {
    if (this.playing) return;
    this.playing = true;
    this.#turn();
  }

  pause(): void {
    this.playing = false;
    clearTimeout(this.#timer);
  }

  /** Change the speed; faster, fewer prices are between two commands. */
  async setSpeed(speed: Speed): Promise<void> {
    if (speed === this.speed) return;
    const { playing, step } = this;
    this.pause();
    this.speed = speed;
    if (step !== undefined) await this.#guarded(() => this.#around(step.offset));
    if (playing) this.play();
  }

  faster(by: 1 | -1): Promise<void> {
    return this.setSpeed(speedAfter(this.speed, by));
  }

  /** Ask for nothing more. */
  end(): void {
    this.#ended = true;
    this.pause();
  }

  #to(at: number): void {
    if (at < 0 || at >= this.steps.length) return;
    this.at = at;
    this.event = 0;
  }

  #turn(): void {
    const now = this.step;
    const next = this.steps[this.at + 1];
    if (!this.playing || now === undefined) return;
    if (next === undefined) {
      void this.#load(1).then(() => {
        if (this.steps[this.at + 1] === undefined) this.pause();
        else this.#turn();
      });
      return;
    }
    this.#timer = setTimeout(() => {
      this.#to(this.at + 1);
      void this.#load(1);
      this.#turn();
    }, turnOf(now.time, next.time, this.speed));
  }

  /** Load the steps on both sides of an offset, and stand on it or the last one before. */
  async #around(offset: number): Promise<void> {
    const round = ++this.#round;
    const period_ms = periodOf(this.speed);
    const past = await client.replaySteps(this.account, { before: offset + 1, limit: PAGE, period_ms, keep: offset });
    const coming = await client.replaySteps(this.account, { after: past.steps.at(-1)?.offset ?? offset, limit: PAGE, period_ms });
    if (this.#ended || round !== this.#round) return;
    this.#previous = past.previous;
    this.#next = coming.next;
    this.steps = [...past.steps, ...coming.steps];
    this.at = Math.max(0, past.steps.length - 1);
    this.event = 0;
  }

  /** Load what is needed soon in a direction. */
  async #load(by: 1 | -1): Promise<void> {
    const left = by === 1 ? this.steps.length - 1 - this.at : this.at;
    if (this.#loading || left >= SOON) return;
    const from = by === 1 ? this.#next : this.#previous;
    if (from === null) return;
    this.#loading = true;
    const round = this.#round;
    await this.#guarded(async () => {
      const period_ms = periodOf(this.speed);
      const page = await client.replaySteps(this.account, { ...(by === 1 ? { after: from } : { before: from }), limit: PAGE, period_ms });
      const offset = this.step?.offset;
      if (this.#ended || offset === undefined || round !== this.#round) return;
      this.steps = joined(this.steps, page.steps, by === 1 ? "behind" : "before", KEPT);
      this.at = Math.max(0, this.steps.findIndex((step) => step.offset === offset));
      if (by === 1) this.#next = page.next;
      else this.#previous = page.previous;
      // What was dropped at the other end is asked for again from there.
      if (by === 1) this.#previous = this.steps[0]?.offset ?? this.#previous;
      else this.#next = this.steps.at(-1)?.offset ?? this.#next;
    });
    this.#loading = false;
  }

  async #guarded(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.pause();
      this.failure = error;
    }
  }
}
