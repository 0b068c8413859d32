/** What administrators do with the client, against a running exchange. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, Forbidden, Refused, toMicros } from "../src/index.ts";
import { PASSWORD, URL_OF_EXCHANGE, all, newEmail } from "./control.ts";

const ACCOUNT = process.env["ACCOUNT"] ?? "";

async function administrator(): Promise<Client> {
  const client = new Client(URL_OF_EXCHANGE, { patienceMs: 60_000 });
  await client.login(process.env["ADMINISTRATOR"] ?? "", PASSWORD);
  return client;
}

test("an administrator changes markets and sees risk and lag", async () => {
  const { admin } = await administrator();
  const btc = (await admin.parameters()).find((one) => one.symbol === "BTC_USDC");
  assert.deepEqual([btc?.status, btc?.leverage_max], ["open", "100.00"]);
  const changed = await admin.changeParameters("SOL_USDC", { leverage_max: "50" });
  assert.equal((await admin.broadcast(changed.name)).name, changed.name);
  const halted = await admin.setMarketStatus("SOL_USDC", "halted", { key: "halt" });
  assert.equal((await admin.setMarketStatus("SOL_USDC", "halted", { key: "halt" })).name, halted.name);
  await admin.setMarketStatus("SOL_USDC", "open");
  const limits = await admin.setAccountLimits(500);
  assert.ok((await admin.broadcasts()).some((one) => one.name === limits.name));
  const symbol = `${newEmail().slice(0, 8).toUpperCase()}_USDC`;
  await admin.defineInstrument({ symbol, tick_exponent: 2, lot_exponent: 1, quantity_max: "1000" });
  assert.equal((await admin.rules()).in_force, (await admin.rules()).newest);
  await assert.rejects(admin.activateRules(1), Refused);
  assert.ok((await admin.exposure()).some((one) => one.symbol === "BTC_USDC"));
  const ladder = await admin.liquidationLadder();
  assert.ok(ladder.items.some((rung) => rung.side === "long"));
  assert.ok(ladder.together.some((rung) => rung.side === "short"));
  assert.ok(toMicros((await admin.insuranceFund()).balance) >= 0n);
  assert.deepEqual((await all(admin.accounts({ account_id: ACCOUNT }))).map((one) => one.account_id), [ACCOUNT]);
  assert.equal((await admin.feed()).name, "simulated");
  assert.equal((await admin.lag()).broker_answers, true);
});

test("an administrator moves money", async () => {
  const { admin } = await administrator();
  const came = await admin.deposit(ACCOUNT, "250.5", { note: "bank transfer 4711", key: "one" });
  assert.deepEqual([came.status, toMicros(came.amount)], ["done", 250_500_000n]);
  assert.equal((await admin.deposit(ACCOUNT, "250.5", { note: "bank transfer 4711", key: "one" })).id, came.id);
  const went = await admin.withdraw(ACCOUNT, "50");
  assert.deepEqual((await all(admin.transfers({ account_id: ACCOUNT }))).map((one) => one.id), [went.id, came.id]);
  assert.ok((await admin.transfer(came.id)).acts.length > 0);
  assert.equal((await admin.approveTransfer(came.id)).status, "done");
  await assert.rejects(admin.rejectTransfer(came.id, "too late"), Refused);
});

test("a user who is no administrator is refused", async () => {
  const client = new Client(URL_OF_EXCHANGE);
  await client.register(newEmail(), PASSWORD);
  await assert.rejects(client.admin.lag(), Forbidden);
});
