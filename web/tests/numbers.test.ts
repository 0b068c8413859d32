/** Numbers are read as a person writes them and written with every digit the exchange has. */

import { describe, expect, test } from "vitest";
import { decimal, money, percentOfFraction, time } from "../src/numbers/format.ts";
import { readTyped } from "../src/numbers/typed.ts";
import { wallSeconds } from "../src/numbers/zone.ts";

const ENGLISH = { locale: "en-US", zone: "UTC" };
const GERMAN = { locale: "de-DE", zone: "Europe/Berlin" };

describe("UI-NUMBER-01 what is typed is read in the person's own way of writing", () => {
  test.each([
    ["1234.5", "en-US", "1234.5"],
    ["1,234.5", "en-US", "1234.5"],
    ["1,234,567", "en-US", "1234567"],
    ["1.234,5", "de-DE", "1234.5"],
    ["1234,5", "de-DE", "1234.5"],
    ["1’234.5", "de-CH", "1234.5"],
    ["1 234,5", "fr-FR", "1234.5"],
    ["12,34,567", "en-US", null],
    ["1.5", "de-DE", "1.5"],
    ["1.500", "de-DE", "1500"],
    [".5", "en-US", "0.5"],
    ["5.", "en-US", "5"],
    ["2k", "en-US", "2000"],
    ["1.5m", "en-US", "1500000"],
    ["0.0005k", "en-US", "0.5"],
    ["-3", "en-US", "-3"],
    ["-0", "en-US", "0"],
    ["007", "en-US", "7"],
    ["1e5", "en-US", null],
    ["NaN", "en-US", null],
    ["Infinity", "en-US", null],
    ["1.2.3", "en-US", null],
    ["--1", "en-US", null],
    ["<script>", "en-US", null],
  ])("%s in %s is %s", (text, locale, value) => {
    expect(readTyped(text, locale, 6)).toEqual(value === null ? { fault: "not_a_number" } : { value });
  });

  test("nothing is empty, and a place too many is named", () => {
    expect(readTyped("  ", "en-US", 6)).toEqual({ fault: "empty" });
    expect(readTyped("1.0000001", "en-US", 6)).toEqual({ fault: "too_many_places" });
    expect(readTyped("1.0000000", "en-US", 6)).toEqual({ value: "1.000000" });
  });

  test("no group begins with a zero: such a point is the decimal one", () => {
    for (const [text, value] of [["0.500", "0.500"], ["0.025", "0.025"], ["00.500", "0.500"], [".500", "0.500"], ["1.500", "1500"]] as const) {
      expect(readTyped(text, "de-DE", 3)).toEqual({ value });
    }
    expect(readTyped("0,500", "en-US", 3)).toEqual({ fault: "not_a_number" });
  });

  test("a number keeps every digit, and one that no exchange has is refused", () => {
    const most = "9223372036854.775807";
    expect(readTyped(most, "en-US", 6)).toEqual({ value: most });
    expect(readTyped("9223372036854.775808", "en-US", 6)).toEqual({ fault: "too_large" });
    expect(readTyped("9223372036854775807", "en-US", 0)).toEqual({ value: "9223372036854775807" });
    expect(readTyped("9223372036854775808", "en-US", 0)).toEqual({ fault: "too_large" });
    expect(readTyped(`${most}m`, "en-US", 6)).toEqual({ fault: "too_large" });
    expect(readTyped("9".repeat(5_000), "en-US", 6)).toEqual({ fault: "too_large" });
  });
});

describe("UI-NUMBER-02 every digit that the exchange has is shown, and none is made up", () => {
  test("money has two places, and micros where there are any", () => {
    expect(money("5000.000000", ENGLISH)).toBe("5,000.00");
    expect(money("5001.889586", ENGLISH)).toBe("5,001.889586");
    expect(money("5001.889586", GERMAN)).toBe("5.001,889586");
    expect(money("9007199254740993.000001", ENGLISH)).toBe("9,007,199,254,740,993.000001");
    expect(money("-0.000001", ENGLISH, "exceptZero")).toBe("-0.000001");
    expect(money("0.000000", ENGLISH, "exceptZero")).toBe("0.00");
    expect(money(null, ENGLISH)).toBe("–");
  });

  test("a price has its market's places", () => {
    expect(decimal("59813.1", ENGLISH, 1)).toBe("59,813.1");
    expect(decimal("59813", ENGLISH, 1)).toBe("59,813.0");
  });

  test("a rate is shown as percent", () => {
    expect(percentOfFraction("0.005000", ENGLISH)).toBe("0.5 %");
    expect(percentOfFraction("0.05", ENGLISH)).toBe("5 %");
    expect(percentOfFraction("1.500000", ENGLISH)).toBe("150 %");
  });
});

describe("UI-NUMBER-03 times are those of the person's zone", () => {
  test("a time is written in the zone", () => {
    expect(time("2026-07-01T10:00:00Z", GERMAN)).toContain("12:00:00");
    expect(time(null, GERMAN)).toBe("–");
  });

  test("the chart shows the zone's clock, through a change of clocks", () => {
    const before = wallSeconds("2026-10-25T00:59:00Z", "Europe/Berlin");
    const after = wallSeconds("2026-10-25T01:00:00Z", "Europe/Berlin");
    expect(new Date(before * 1000).toISOString()).toBe("2026-10-25T02:59:00.000Z");
    expect(new Date(after * 1000).toISOString()).toBe("2026-10-25T02:00:00.000Z");
  });
});
