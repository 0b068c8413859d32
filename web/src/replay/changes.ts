/** What a step changed in the ledger, and how long its turn is when steps are played. Figures are compared as digits. */

import type { schemas } from "reprise-client";

export type Figure = "balance" | "equity" | "cash" | "used_margin" | "unrealized_pnl";
export type Mark = "opened" | "closed" | "changed" | "same";

export const FIGURES: readonly Figure[] = ["balance", "equity", "cash", "used_margin", "unrealized_pnl"];
const SPEEDS = [1, 10, 100, 1_000] as const;
export type Speed = (typeof SPEEDS)[number];
/** No silence lasts longer on the screen than this, whatever it lasted. */
const SILENCE_MAX_MS = 1_000;
const FRAME_MS = 16;

/** A figure of the ledger. before: null where it is what it was. */
export interface Figured {
  readonly name: Figure;
  readonly value: string;
  readonly before: string | null;
}

export interface Marked {
  readonly position: schemas.ReplayPosition;
  readonly mark: Mark;
}

/** Of the figures of a ledger, which were others before it. */
export function figuresOf(before: schemas.ReplayLedger | null, ledger: schemas.ReplayLedger): readonly Figured[] {
  return FIGURES.map((name) => {
    const value = ledger[name];
    const was = before === null ? null : before[name];
    return { name, value, before: was === value ? null : was };
  });
}

/** The positions of a ledger, those that were closed among them, each with what became of it. */
export function positionsOf(before: schemas.ReplayLedger | null, ledger: schemas.ReplayLedger): readonly Marked[] {
  const earlier = new Map((before?.positions ?? []).map((position) => [position.position_id, position]));
  const now = new Set(ledger.positions.map((position) => position.position_id));
  const open = ledger.positions.map((position): Marked => {
    const was = earlier.get(position.position_id);
    return { position, mark: was === undefined ? "opened" : isSame(was, position) ? "same" : "changed" };
  });
  const closed = (before?.positions ?? []).filter((position) => !now.has(position.position_id));
  return [...open, ...closed.map((position): Marked => ({ position, mark: "closed" }))];
}

/** Profit alone moves with every price; it makes no other position of it. */
function isSame(one: schemas.ReplayPosition, other: schemas.ReplayPosition): boolean {
  const names = ["quantity", "margin", "stop_loss", "take_profit", "liquidation_price"] as const;
  return names.every((name) => one[name] === other[name]);
}

/** The ledger before a step: its own, or that of the step listed before it. */
export function ledgerBefore(steps: readonly schemas.ReplayStep[], at: number): schemas.ReplayLedger | null {
  return steps[at]?.before ?? steps[at - 1]?.ledger ?? null;
}

/** How long a step stays before the next, in milliseconds. */
export function turnOf(time: string, next: string, speed: Speed): number {
  const between = (Date.parse(next) - Date.parse(time)) / speed;
  return Math.min(SILENCE_MAX_MS, Math.max(FRAME_MS, between));
}

/** Of prices the first in so many milliseconds is enough at a speed: a frame shows one. */
export function periodOf(speed: Speed): number {
  return speed === 1 ? 0 : 20 * speed;
}

/** The next speed up or down; the same at the ends. */
export function speedAfter(speed: Speed, by: 1 | -1): Speed {
  return SPEEDS[SPEEDS.indexOf(speed) + by] ?? speed;
}

export { SPEEDS };

/** What a person typed for a moment; null where it is none. Times without a zone are those of the person's browser. */
export function momentOf(text: string): { readonly at: string } | { readonly offset: number } | { readonly position: string } | null {
  const given = text.trim();
  if (/^\d{1,15}$/.test(given)) return { offset: Number(given) };
  if (/^\d{1,10}-\d{1,20}$/.test(given)) return { position: given };
  if (!/^\d{4}-\d\d-\d\d/.test(given)) return null;
  const time = new Date(given.replace(" ", "T"));
  return Number.isNaN(time.getTime()) ? null : { at: time.toISOString() };
}

/** The last mark that is not behind an offset; 0 where all are. */
export function markAt(marks: readonly schemas.ReplayMark[], offset: number): number {
  let found = 0;
  marks.forEach((mark, at) => {
    if (mark.offset <= offset) found = at;
  });
  return found;
}

/** One page behind another, each step once, and no more than so many: the oldest go, or the newest. */
export function joined(
  loaded: readonly schemas.ReplayStep[],
  page: readonly schemas.ReplayStep[],
  where: "before" | "behind",
  most: number,
): readonly schemas.ReplayStep[] {
  const known = new Set(loaded.map((step) => step.offset));
  const fresh = page.filter((step) => !known.has(step.offset));
  const all = where === "before" ? [...fresh, ...loaded] : [...loaded, ...fresh];
  return where === "before" ? all.slice(0, most) : all.slice(-most);
}

/** Give the positions of a symbol that a chart has lines for: those the step is about, closed ones too, or else all. */
export function positionsAt(step: schemas.ReplayStep, before: schemas.ReplayLedger | null, symbol: string): readonly schemas.ReplayPosition[] {
  const own = new Set(step.events.filter((event) => event.own).map((event) => event.position_id));
  const there = (step.ledger === null ? [] : positionsOf(before, step.ledger)).map(({ position }) => position).filter((each) => each.symbol === symbol);
  const about = there.filter((each) => own.has(each.position_id));
  return about.length > 0 ? about : there;
}
