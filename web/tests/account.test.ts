/** What the page of the account works out by itself: keys of programs, files, and the days of a statement. */

import { generateKeyPairSync } from "node:crypto";
import { ApiKey } from "reprise-client";
import { describe, expect, test } from "vitest";
import { fileNameOf, makeKey, publicKeyOf } from "../src/account/keys.ts";
import { daysOf, periodOf, today } from "../src/tabs/period.ts";

const RAW = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const DER = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

describe("UI-ACCOUNT-05 a public key is read in every way it is written, and nothing else is", () => {
  test.each([
    [RAW, RAW],
    [`  ${RAW}\n`, RAW],
    [RAW.replaceAll("/", "_").replaceAll("+", "-"), RAW],
    [DER, RAW],
    [`-----BEGIN PUBLIC KEY-----\n${DER}\n-----END PUBLIC KEY-----\n`, RAW],
    [`-----BEGIN PRIVATE KEY-----\n${DER}\n-----END PRIVATE KEY-----\n`, null],
    [DER.replace("MCow", "MCox"), null],
    [RAW.slice(4), null],
    ["<script>", null],
    ["", null],
  ])("%s", (text, key) => {
    expect(publicKeyOf(text)).toBe(key);
  });

  test("a key of OpenSSL's is read", () => {
    const { publicKey } = generateKeyPairSync("ed25519");
    const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url").toString("base64");
    expect(publicKeyOf(publicKey.export({ type: "spki", format: "pem" }).toString())).toBe(raw);
  });
});

describe("UI-ACCOUNT-04 a key made in the browser is a file that every program reads", () => {
  test("the file of a key that was made signs what its public half verifies", async () => {
    const made = await makeKey();
    if (made === null) throw new Error("Node makes Ed25519 keys");
    expect(made.pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=]{64}\n-----END PRIVATE KEY-----\n$/);
    expect(made.pem).not.toContain(made.publicKey);
    const key = await ApiKey.fromPem("0a5c1d1e-0000-4000-8000-000000000000", made.pem);
    const url = new URL("http://exchange/api/v1/account?x=1");
    const headers = await key.sign("GET", url, "");
    const digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const lines = ["REPRISE-ED25519-2", key.id, headers["X-Timestamp"], headers["X-Window"], headers["X-Nonce"], "GET", "/api/v1/account", "x=1", digest, "", "", ""];
    const raw = Uint8Array.from(Buffer.from(made.publicKey, "base64"));
    const verifying = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
    const signature = Uint8Array.from(Buffer.from(headers["X-Signature"] ?? "", "base64"));
    expect(await crypto.subtle.verify("Ed25519", verifying, signature, new TextEncoder().encode(lines.join("\n")))).toBe(true);
  });

  test.each([
    ["My Bot!", "reprise-my-bot.pem"],
    ["<script>alert(1)</script>", "reprise-script-alert-1-script.pem"],
    ["../../etc/passwd", "reprise-etc-passwd.pem"],
    ["日本", "reprise-0a5c1d1e.pem"],
    [null, "reprise-0a5c1d1e.pem"],
  ])("the file of %s", (name, file) => {
    expect(fileNameOf(name, "0a5c1d1e-0000-4000-8000-000000000000")).toBe(file);
  });
});

describe("UI-TAB-06 a statement's days are those of the person's zone", () => {
  const now = new Date("2026-03-01T02:00:00Z");
  const chosen = { first: "2026-01-05", last: "2026-01-06" };

  test("the day of now is the zone's", () => {
    expect(today(now, "UTC")).toBe("2026-03-01");
    expect(today(now, "America/New_York")).toBe("2026-02-28");
  });

  test.each([
    ["this_month", "UTC", { first: "2026-03-01", last: "" }],
    ["this_month", "America/New_York", { first: "2026-02-01", last: "" }],
    ["last_month", "UTC", { first: "2026-02-01", last: "2026-02-28" }],
    ["last_month", "America/New_York", { first: "2026-01-01", last: "2026-01-31" }],
    ["this_year", "UTC", { first: "2026-01-01", last: "" }],
    ["everything", "UTC", { first: "", last: "" }],
    ["days", "UTC", chosen],
  ] as const)("%s in %s", (name, zone, days) => {
    expect(daysOf(name, now, zone, chosen)).toEqual(days);
  });

  test("last month of January is December", () => {
    expect(daysOf("last_month", new Date("2026-01-15T00:00:00Z"), "UTC", chosen)).toEqual({ first: "2025-12-01", last: "2025-12-31" });
  });

  test.each([
    ["2026-01-05", "2026-01-05", "UTC", "2026-01-05T00:00:00.000Z", "2026-01-06T00:00:00.000Z"],
    ["2026-07-01", "2026-07-31", "Europe/Berlin", "2026-06-30T22:00:00.000Z", "2026-07-31T22:00:00.000Z"],
    // Clocks go forward by an hour on the 29th of March, and back on the 25th of October.
    ["2026-03-29", "2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"],
    ["2026-10-25", "2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"],
    // On this day there was no midnight.
    ["2018-11-04", "2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00.000Z", "2018-11-05T02:00:00.000Z"],
    // And on this one two.
    ["2026-11-01", "2026-11-01", "America/Havana", "2026-11-01T04:00:00.000Z", "2026-11-02T05:00:00.000Z"],
    ["2026-01-05", "2026-01-05", "Asia/Kathmandu", "2026-01-04T18:15:00.000Z", "2026-01-05T18:15:00.000Z"],
  ])("%s to %s in %s", (first, last, zone, from, to) => {
    expect(periodOf({ first, last }, zone)).toEqual({ from, to });
  });

  test("an end that is left open is none, and what is no period is none", () => {
    expect(periodOf({ first: "", last: "" }, "UTC")).toEqual({});
    expect(periodOf({ first: "2026-01-02", last: "" }, "UTC")).toEqual({ from: "2026-01-02T00:00:00.000Z" });
    for (const [first, last] of [["2026-01-02", "2026-01-01"], ["2026-02-30", ""], ["", "soon"], ["2026-1-1", ""]] as const) {
      expect(periodOf({ first, last }, "UTC")).toBeNull();
    }
  });
});
