/** Every sentence of the tabs of orders, alerts, the venue and statements. */

import type { schemas } from "reprise-client";
import { counted } from "../numbers/count.ts";
import type { PeriodName } from "./period.ts";

export const tabWords = {
  loading: "Loading…",

  order: "Order",
  outcome: "Outcome",
  leverage: "Leverage",
  noOrders: "You have sent no order yet. The ticket beside the chart sends one.",
  orderOutcome: {
    pending: "on its way",
    filled: "filled",
    cancelled: "cancelled",
    rejected: "refused",
    expired: "too late",
  } as const satisfies Record<schemas.Order["status"], string>,

  alertNew: "New alert",
  alertWhat: "You are told once when the middle of bid and ask gets there.",
  alertSymbol: "Market",
  alertPrice: "Price",
  alertNote: "Note",
  alertNoteWhat: "a reminder",
  alertSend: "Set the alert",
  alertSet: "The alert is set.",
  alertDelete: "Delete",
  alertDeleteOf: ({ symbol, price }: schemas.Alert): string => `Delete the alert of ${symbol} at ${price}`,
  alertDeleted: "The alert is deleted.",
  alertTriggered: ({ symbol, price, triggered_price, note }: schemas.Alert): string =>
    `${symbol} reached ${price}: the middle was ${triggered_price ?? price}.${note === null ? "" : ` Your note: ${note}`}`,
  alertState: { active: "waits", triggered: "triggered" } as const satisfies Record<schemas.Alert["status"], string>,
  alertDirection: { above: "rises to", below: "falls to" } as const satisfies Record<schemas.Alert["direction"], string>,
  alertMade: "Set",
  alertReached: "Reached",
  alertStatus: "State",
  noAlerts: "You have no alert. Set one above, and go and do something else.",

  venueKeys: "Keys of the venue",
  venueStored: "Your keys are stored: spot orders are carried out at Binance's testnet.",
  venueNone: "You have stored no keys: nothing is sent to the venue for you.",
  venueManage: "Store or forget them in your account",
  venueWhat:
    "Each order is sent once. Before it is sent again after a break, the venue is asked what became of it, and what it has executed is taken over trade by trade. Its monthly reset is noticed, and keys that it refuses end an order.",
  venueCompared: (everyMs: number): string =>
    `Open orders are compared with the venue's every ${everyMs < 1_000 ? `${everyMs} ms` : `${Math.round(everyMs / 1_000)} s`}.`,
  venueUndone: (count: number): string =>
    `${counted(count, "execution was", "executions were")} undone by a reset of the venue, and ${count === 1 ? "counts" : "count"} no more.`,
  venueHeld: "Held at the venue",
  venueOrders: "Orders at the venue",
  venueNoOrders: "No order of yours was sent to the venue.",
  venueExecuted: "Executed",
  venueAverage: "Average price",
  venueTold: "Last told",
  venueOutcome: {
    pending: "on its way",
    unknown: "being asked about",
    accepted: "rests there",
    partially_filled: "filled in part",
    filled: "filled",
    cancelled: "cancelled",
    expired: "expired",
    rejected: "refused",
    venue_reset: "gone with a reset of the venue",
    abandoned: "followed no more",
  } as const satisfies Record<schemas.VenueOrderReply["status"], string>,

  statement: "Statement",
  statementWhat: "Every change of your balance in a period, newest first, with the balance after it.",
  period: "Period",
  periods: {
    this_month: "this month",
    last_month: "last month",
    this_year: "this year",
    everything: "everything",
    days: "from a day to a day",
  } as const satisfies Record<PeriodName, string>,
  first: "First day",
  last: "Last day",
  daysIn: (zone: string): string => `Days are those of ${zone}.`,
  noPeriod: "The last day is before the first, or one of them is no day.",
  downloadCsv: "Download CSV",
  downloadJson: "Download JSON",
  downloaded: "The statement is downloaded.",
} as const;
