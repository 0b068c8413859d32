/** Which period a statement is of: whole days of a person's zone, as the instants at which they begin and end. */

import type { Period } from "reprise-client";
import { wallSeconds } from "../numbers/zone.ts";

export const PERIODS = ["this_month", "last_month", "this_year", "everything", "days"] as const;
export type PeriodName = (typeof PERIODS)[number];

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const DAY_S = 86_400;

/** Days as an input of a browser has them, `2026-01-31`; an empty one is no bound. last: the day itself is in it. */
export interface Days {
  readonly first: string;
  readonly last: string;
}

/** Give the days of a named period, as of the zone's day of now. */
export function daysOf(name: PeriodName, now: Date, zone: string, chosen: Days): Days {
  const [year = 0, month = 0] = today(now, zone).split("-").map(Number);
  switch (name) {
    case "this_month":
      return { first: dayText(year, month, 1), last: "" };
    case "last_month":
      return { first: dayText(year, month - 1, 1), last: dayText(year, month, 0) };
    case "this_year":
      return { first: dayText(year, 1, 1), last: "" };
    case "everything":
      return { first: "", last: "" };
    case "days":
      return chosen;
  }
}

/** Give the instants of some days; null where they are no period. */
export function periodOf({ first, last }: Days, zone: string): Period | null {
  const from = first === "" ? undefined : dayBegins(first, 0, zone);
  const to = last === "" ? undefined : dayBegins(last, 1, zone);
  if (from === null || to === null) return null;
  if (from !== undefined && to !== undefined && from >= to) return null;
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

/** Give the day that a zone's calendar has. */
export function today(now: Date, zone: string): string {
  return new Date(wallSeconds(now.toISOString(), zone) * 1000).toISOString().slice(0, 10);
}

/** Give the first instant of a day, or of one so many later, where a change of clocks may have no midnight. */
function dayBegins(day: string, later: number, zone: string): string | null {
  const [, year, month, date] = DAY.exec(day) ?? [];
  if (year === undefined || dayText(Number(year), Number(month), Number(date)) !== day) return null;
  const wall = Date.UTC(Number(year), Number(month) - 1, Number(date) + later) / 1000;
  const offsetAt = (instant: number): number => wallSeconds(isoOf(instant), zone) - instant;
  const before = offsetAt(wall - DAY_S);
  const midnights = [before, offsetAt(wall + DAY_S)]
    .map((offset) => wall - offset)
    .filter((instant) => instant + offsetAt(instant) === wall);
  return isoOf(midnights.length > 0 ? Math.min(...midnights) : wall - before);
}

function isoOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

/** Months and days run over: month 0 is December of the year before, day 0 the last of the month before. */
function dayText(year: number, month: number, date: number): string {
  return new Date(Date.UTC(year, month - 1, date)).toISOString().slice(0, 10);
}
