/** The server is killed and started again under a program that trades and listens. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, isAccountUpdate } from "../src/index.ts";
import { PASSWORD, URL_OF_EXCHANGE, all, control, newEmail } from "./control.ts";

test("each order is executed once and each event comes once while the server is killed and started again", async () => {
  const client = new Client(URL_OF_EXCHANGE, { patienceMs: 240_000 });
  await client.register(newEmail(), PASSWORD);
  const stream = client.stream(["account"]);
  await stream.ready();
  const opened: string[] = [];
  const trading = (async () => {
    for (let round = 0; round < 8; round += 1) {
      const order = await client.placeOrder({ symbol: "BTC_USDC", side: "long", margin: "5", leverage: "2" });
      opened.push(order.position_id ?? "");
      await client.close(order.position_id ?? "");
    }
  })();
  for (let kill = 0; kill < 2; kill += 1) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await control("kill");
    await control("restart");
  }
  await trading;
  const updates = [];
  for await (const message of stream) {
    if (!isAccountUpdate(message)) continue;
    updates.push(message);
    if (message.data.event === "PositionClosed" && message.data.position?.id === opened.at(-1)) break;
  }
  const first = updates[0]?.seq ?? 0;
  assert.deepEqual(updates.map((update) => update.seq), updates.map((_, index) => first + index));
  assert.equal(new Set(updates.map((update) => update.data.event_id)).size, updates.length);
  assert.equal(updates.filter((update) => update.data.event === "PositionOpened").length, 8);
  assert.deepEqual((await all(client.positions({ status: "all" }))).map((each) => each.id), opened.reverse());
});
