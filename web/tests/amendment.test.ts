/** Stops and parts are read as the ticket is: in the person's own way of writing, or not at all. */

import { describe, expect, test } from "vitest";
import { readPart, readStops, typedLevel } from "../src/ticket/amendment.ts";

const GERMAN = { locale: "de-DE", zone: "UTC" };

describe("UI-AMEND-01 a level is read in the person's own way of writing", () => {
  test.each([
    ["49.800,5", "de-DE", "49800.5"],
    ["49,800.5", "en-US", "49800.5"],
    ["49 800,5", "fr-FR", "49800.5"],
    ["49.8k", "en-US", "49800"],
  ] as const)("%s in %s", (text, locale, stop) => {
    expect(readStops(text, "", locale, 1)).toEqual({ value: { stop_loss: stop, take_profit: null } });
  });

  test("what a dialog begins with is read as the same level", () => {
    const shown = typedLevel("49800.0", GERMAN, 1);
    expect(shown).toBe("49.800,0");
    expect(readStops("", shown, "de-DE", 1)).toEqual({ value: { stop_loss: null, take_profit: "49800.0" } });
  });
});

describe("UI-AMEND-02 a level that is no price is refused in the dialog, with the reason, and nothing is sent", () => {
  test.each([
    ["abc", { field: "stop", code: "NOT_A_NUMBER" }],
    ["0", { field: "stop", code: "PRICE_OUT_OF_RANGE" }],
    ["0.0", { field: "stop", code: "PRICE_OUT_OF_RANGE" }],
    ["-5", { field: "stop", code: "PRICE_OUT_OF_RANGE" }],
    ["1".repeat(40), { field: "stop", code: "TOO_LARGE" }],
    ["1.23", { field: "stop", code: "TOO_MANY_PLACES", bound: "1" }],
    ["NaN", { field: "stop", code: "NOT_A_NUMBER" }],
    ["1e5", { field: "stop", code: "NOT_A_NUMBER" }],
  ] as const)("%s", (text, fault) => {
    expect(readStops(text, "", "en-US", 1)).toEqual({ fault });
  });
});

test("UI-AMEND-03 an empty level is taken away", () => {
  expect(readStops(" ", "", "en-US", 1)).toEqual({ value: { stop_loss: null, take_profit: null } });
});

test("UI-CLOSE-01 without a part all of a position is closed, and a part has at most the market's places", () => {
  expect(readPart("", "en-US", 5)).toEqual({ value: null });
  expect(readPart("0,005", "de-DE", 5)).toEqual({ value: "0.005" });
  expect(readPart(" ", "en-US", 5)).toEqual({ fault: { field: "size", code: "EMPTY" } });
  expect(readPart("0.000001", "en-US", 5)).toEqual({ fault: { field: "size", code: "TOO_MANY_PLACES", bound: "5" } });
});
