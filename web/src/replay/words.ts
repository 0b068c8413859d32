/** The sentences of the replay, and how its events and steps are said. */

import type { schemas } from "reprise-client";
import type { Mark } from "./changes.ts";
import { refusalInWords } from "../words.ts";

type Figure = "balance" | "equity" | "cash" | "used_margin" | "unrealized_pnl";

export const replayWords = {
  title: "Replay",
  link: "Replay this moment",
  linkOf: (positionId: string): string => `Replay the close of position ${positionId}`,
  what: "Every command of the account, the events it led to, and the ledger before and after each, as the log has them. Time in which nothing happened to the account is left out.",
  account: "Account",
  choose: "Choose an account",
  signIn: "Log in to replay your account",
  reading: (read: number, records: number): string =>
    records === 0 ? "The log is being read…" : `The log is being read: ${Math.floor((100 * read) / records)} %…`,
  failed: "This could not be replayed.",
  again: "Try again",
  nothing: "Nothing has happened to this account yet.",
  controls: "Steps",
  first: "First step",
  previous: "Step back",
  next: "Step on",
  last: "Last step",
  play: "Play",
  pause: "Pause",
  speed: "Speed",
  scrubber: "Commands of the account",
  markOf: (type: string, time: string, at: number, count: number): string => `${type}, ${time}, ${at} of ${count}`,
  when: "Go to a time, an offset or a position",
  whenHint: "2026-01-31 12:00, 4711 or 0-12",
  go: "Go",
  whenWrong: "That is neither a time, an offset nor a position.",
  view: "How events are shown",
  views: { compact: "Compact", feed: "Feed", json: "JSON" },
  step: (offset: number, time: string): string => `Command ${offset}, ${time}`,
  kinds: { own: "of the account", price: "a price moved", market: "of the market" },
  command: "Command",
  events: "Events",
  earlier: "The steps up to here, newest first",
  ledger: "Ledger",
  figures: {
    balance: "Balance",
    equity: "Equity",
    cash: "Free margin",
    used_margin: "Used margin",
    unrealized_pnl: "Unrealised profit",
  } satisfies Record<Figure, string>,
  was: (before: string): string => `was ${before}`,
  notOpen: "The account is not open yet.",
  positions: "Positions",
  noPositions: "No position is open.",
  marks: { opened: "opened", closed: "closed", changed: "changed", same: "" } satisfies Record<Mark, string>,
  entry: "Entry",
  price: "Price",
  profit: "Profit",
  margin: "Margin",
  liquidation: "Liquidation",
  stopTake: "Stop / take",
  chart: (symbol: string): string => `Price of ${symbol} up to this step`,
  chartEmpty: "No price of it is in the log around this moment.",
  verified: "Verified",
  differs: "Differs",
  notVerified: "Not verified yet",
  verdictOf: (made: string): string => `Last audit verify: ${made}`,
  verdictWhat: "audit verify executes every command again and compares each byte; this is what it said the last time.",
  upTo: (offset: number): string => `Up to command ${offset - 1} of this shard.`,
  behindVerdict: "This step is newer than that.",
  inVerdict: "This step is among what was verified.",
  verdictDigest: "SHA-256 of the verdict",
  chainDigest: "Digest of the last event",
  ledgerDigest: "Digest of the ledger",
  bundle: "Take it away",
  bundleWhat: "A zip with the account's events and statement, a manifest, and SHA256SUMS.",
  digest: "Digest",
  keyList: [
    ["← →", "step back, step on"],
    ["Shift ← →", "from event to event within a step"],
    [", .", "to the account's command before, and the next"],
    ["Home End", "first and last step"],
    ["Space", "play and pause"],
    ["+ −", "faster, slower"],
    ["v", "compact, feed, JSON"],
  ],
  fromFolder: (name: string): string => `From the exported log ${name}`,
} as const;

const TYPES: Readonly<Record<string, string>> = {
  AccountOpened: "Account opened",
  Deposited: "Deposited",
  Withdrawn: "Withdrawn",
  PositionOpened: "Position opened",
  PositionReduced: "Part closed",
  PositionClosed: "Position closed",
  StopsAmended: "Stops changed",
  OldestReduced: "Oldest positions closed",
  AllClosed: "Everything closed",
  CommandRejected: "Refused",
  CommandRepeated: "Came again, not executed",
  PricesUpdated: "Prices",
  TickHeld: "Price held for confirmation",
  InstrumentsDefined: "Instruments defined",
  MarketStatusSet: "Market status set",
  RulesActivated: "Rules activated",
  ClockSet: "Clock set",
  AccountLimitsSet: "Limits set",
  OffsetGapAccepted: "Gap in the log accepted",
  FeedSelected: "Feed selected",
  FeedKept: "Feed kept",
};

/** Say what kind of event it is; one that is newer than this page by its own name. */
export function typeInWords(type: string): string {
  return TYPES[type] ?? type;
}

/** Say an event on one line. number: writes digits in the person's way. */
export function eventInWords(event: schemas.ReplayEvent, number: (digits: string) => string): string {
  const figure = (name: string): string | undefined => {
    const digits = event.figures[name];
    return digits === undefined ? undefined : number(digits);
  };
  const parts = [
    event.side,
    figure("quantity"),
    event.symbol,
    said("at", figure("price")),
    said("amount", figure("amount") ?? figure("first_deposit")),
    said("margin", figure("margin")),
    said("profit", figure("profit")),
    said("fee", figure("fee")),
    said("returned", figure("returned")),
    said("stop", event.type === "StopsAmended" ? (figure("stop_loss") ?? "none") : undefined),
    said("take", event.type === "StopsAmended" ? (figure("take_profit") ?? "none") : undefined),
    event.reason === null ? undefined : event.reason.replaceAll("_", " "),
    event.rejection === null ? undefined : refusalInWords(event.rejection),
    ...event.ticks.map((tick) => `${tick.symbol} ${tick.bid === null ? "–" : number(tick.bid)} / ${tick.ask === null ? "–" : number(tick.ask)}`),
  ].filter((part) => part !== undefined && part !== null && part !== "");
  const name = typeInWords(event.type);
  return parts.length === 0 ? name : `${name}: ${parts.join(", ")}`;
}

function said(what: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : `${what} ${value}`;
}
