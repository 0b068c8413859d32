/** The client against a running exchange: it trades, reads its books, signs, and hears each private event once. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ApiKey,
  Client,
  NotFound,
  NotSignedIn,
  Refused,
  isAccountSnapshot,
  isAccountUpdate,
  isTicker,
  newKeyPair,
  toMicros,
} from "../src/index.ts";
import { PASSWORD, URL_OF_EXCHANGE, all, control, newEmail } from "./control.ts";

const BTC = { symbol: "BTC_USDC", side: "long", leverage: "10" } as const;

async function registered(): Promise<Client> {
  const client = new Client(URL_OF_EXCHANGE, { patienceMs: 60_000 });
  await client.register(newEmail(), PASSWORD);
  return client;
}

test("a user registers, trades, reduces, amends and closes, and the books agree to the last micro", async () => {
  const client = await registered();
  const { account_id } = await client.me();
  const preview = await client.previewOrder({ ...BTC, margin: "100", stop_loss: "40000" });
  assert.deepEqual([preview.status, preview.refusals], ["filled", []]);
  const order = await client.placeOrder({ ...BTC, margin: "100", stop_loss: "40000" });
  assert.equal(order.liquidation_price, preview.liquidation_price);
  assert.equal(order.status, "filled");
  const id = order.position_id ?? "";
  const seen = await client.position(id);
  const amended = await client.amend(id, { stop_loss: null, take_profit: "60000", ifMatch: seen.etag ?? "" });
  assert.deepEqual([amended.stop_loss, toMicros(amended.take_profit ?? "")], [null, toMicros("60000")]);
  await client.reduce(id, "0.01");
  assert.deepEqual((await all(client.positions())).map((position) => position.id), [id]);
  const closed = await client.close(id);
  assert.equal(closed.status, "closed");
  assert.equal((await client.receipt(closed.receipt_id ?? "")).position_id, id);
  await client.placeOrder({ ...BTC, margin: "10" });
  await client.placeOrder({ ...BTC, side: "short", quantity: "0.001" });
  assert.ok((await client.closeAll()).every((closing) => closing.status === "done"));
  assert.deepEqual(await all(client.positions()), []);

  const lines = await all(client.ledger());
  const sum = lines.reduce((total, line) => total + toMicros(line.amount), 0n);
  const account = await client.account();
  assert.equal(sum, toMicros(account.balance));
  assert.equal(account.account_id, account_id);
  const statement = await client.statement({ to: "2999-01-01T00:00:00Z" });
  assert.deepEqual(statement.items, lines);
  assert.equal(toMicros(statement.closing_balance), sum);
  assert.equal((await client.statementCsv()).trim().split("\n").length, lines.length + 1);
  const events = await all(client.events());
  assert.deepEqual(events.map((event) => event.seq), events.map((_, index) => index + 1));
  assert.equal((await all(client.orders({ status: "filled" }))).length, 3);
  assert.ok((await all(client.fills())).length >= 7);
});

test("the market is public", async () => {
  const client = new Client(URL_OF_EXCHANGE);
  assert.ok((await client.instruments()).some((instrument) => instrument.symbol === "BTC_USDC"));
  assert.equal((await client.tickers()).find((ticker) => ticker.symbol === "BTC_USDC")?.bid, "49999.9");
  assert.ok((await all(client.candles("BTC_USDC"))).length >= 1);
  const stream = client.stream(["ticks.BTC_USDC"]);
  for await (const message of stream) {
    assert.ok(isTicker(message));
    assert.equal(message.data.symbol, "BTC_USDC");
    break;
  }
});

test("a refusal has its code, and a closed session is not signed in", async () => {
  const client = await registered();
  await assert.rejects(client.placeOrder({ ...BTC, leverage: "1", margin: "6000" }), (error) => {
    assert.ok(error instanceof Refused);
    assert.equal(error.code, "INSUFFICIENT_MARGIN");
    return true;
  });
  await client.logout();
  await assert.rejects(client.me(), NotSignedIn);
});

test("an order whose answers were lost is executed once", async () => {
  const client = await registered();
  await control("lose");
  const order = await client.placeOrder({ ...BTC, margin: "50" });
  assert.equal(order.status, "filled");
  assert.deepEqual((await all(client.positions({ status: "all" }))).map((each) => each.id), [order.position_id]);
});

test("each private event comes once and in order through cut connections, also to who comes back later", async () => {
  const client = await registered();
  const stream = client.stream(["account", "ticks.BTC_USDC"]);
  await stream.ready();
  for (let round = 0; round < 3; round += 1) {
    const order = await client.placeOrder({ ...BTC, margin: "5" });
    await control("cut");
    await client.close(order.position_id ?? "");
  }
  const heard: number[] = [];
  let snapshots = 0;
  let closes = 0;
  let middle: number | undefined;
  for await (const message of stream) {
    if (isAccountSnapshot(message)) snapshots += 1;
    if (!isAccountUpdate(message)) continue;
    heard.push(message.seq);
    if (message.data.event === "PositionClosed") closes += 1;
    if (closes === 1) middle ??= message.seq;
    if (closes === 3) break;
  }
  const first = heard[0] ?? 0;
  assert.equal(snapshots, 1);
  assert.deepEqual(heard, heard.map((_, index) => first + index));
  assert.equal(stream.accountSeq, heard.at(-1));

  const again = client.stream(["account"], { after: middle ?? 0 });
  const rest: number[] = [];
  for await (const message of again) {
    rest.push(message.seq);
    if (rest.length === heard.length - heard.indexOf(middle ?? 0) - 1) break;
  }
  assert.deepEqual(rest, heard.slice(heard.indexOf(middle ?? 0) + 1));
});

test("a message that does not come in time is the next one", async () => {
  const client = await registered();
  const stream = client.stream(["account"]);
  await stream.ready();
  assert.ok(isAccountSnapshot((await stream.next()) ?? assert.fail()));
  assert.equal(await stream.next(50), undefined);
  await client.deposit("1");
  const message = await stream.next(20_000);
  assert.ok(message !== undefined && isAccountUpdate(message));
  assert.equal(message.data.event, "Deposited");
  stream.close();
  assert.equal(await stream.next(), undefined);
});

test("an API key signs requests and opens the stream, until it is revoked", async () => {
  const client = await registered();
  const { privateKey, publicKey } = await newKeyPair();
  const key = await client.createApiKey(publicKey, ["read", "trade"], "my bot");
  const program = new Client(URL_OF_EXCHANGE, { apiKey: new ApiKey(key.id, privateKey) });
  assert.equal((await program.account()).account_id, (await client.me()).account_id);
  const stream = program.stream(["account"]);
  await stream.ready();
  assert.equal((await program.placeOrder({ ...BTC, margin: "5", client_order_id: "a.b:c_1" })).status, "filled");
  assert.equal((await all(program.orders({ client_order_id: "a.b:c_1" }))).length, 1);
  await stream.next();
  assert.ok(isAccountUpdate((await stream.next(20_000)) ?? assert.fail()));
  stream.close();
  assert.deepEqual((await client.apiKeys()).map((each) => each.name), ["my bot"]);
  await client.revokeApiKey(key.id);
  await assert.rejects(program.account(), NotSignedIn);
});

test("alerts, keys of the venue and the end of a user are asked for like the rest", async () => {
  const client = await registered();
  const alert = await client.createAlert({ symbol: "BTC_USDC", price: "70000" });
  assert.deepEqual((await all(client.alerts())).map((each) => each.id), [alert.id]);
  await client.deleteAlert(alert.id);
  assert.deepEqual(await all(client.alerts({ status: "active" })), []);
  assert.equal(await client.hasVenueKeys(), false);
  assert.equal((await client.venue()).keys_stored, false);
  const withdrawal = await client.withdraw("10", { note: "rent" });
  assert.equal(toMicros(withdrawal.amount), 10_000_000n);
  assert.equal((await client.withdrawal(withdrawal.id)).note, "rent");
  assert.equal((await all(client.withdrawals())).length, 1);
  await client.refresh();
  await client.changePassword(PASSWORD, `another ${PASSWORD}`);
  const sessions = await client.sessions();
  assert.deepEqual(sessions.map((each) => each.current), [true]);
  await assert.rejects(client.endSession("0"), NotFound);
  assert.equal((await client.deleteMe()).open_positions, 0);
  await assert.rejects(client.me(), NotSignedIn);
});

test("a stream of a session that is over ends with the reason", async () => {
  const client = await registered();
  await client.logoutEverywhere();
  await assert.rejects(client.stream(["account"]).ready(), NotSignedIn);
});

test("orders over a socket are answered many at once, each once, through a connection that breaks off", async () => {
  const client = await registered();
  const trading = client.trading();
  await trading.ready();
  const order = await trading.placeOrder({ ...BTC, margin: "10", stop_loss: "40000" });
  const id = order.position_id ?? "";
  const seen = await client.position(id);
  const amended = await trading.amend(id, { stop_loss: null, ifMatch: seen.etag ?? "" });
  assert.equal(amended.stop_loss, null);
  assert.equal((await trading.reduce(id, "0.001")).status, "open");
  assert.equal((await trading.close(id)).status, "closed");
  await assert.rejects(trading.close(id), Refused);
  const asked = Array.from({ length: 300 }, (_, number) =>
    trading.placeOrder({ ...BTC, margin: "1", leverage: "2" }, { key: `many ${number}` }),
  );
  await asked[40];
  await control("cut");
  const orders = await Promise.all(asked);
  assert.equal(new Set(orders.map((each) => each.position_id)).size, 300);
  await trading.ready();
  const again = await trading.placeOrder({ ...BTC, margin: "1", leverage: "2" }, { key: "many 299" });
  assert.equal(again.order_id, orders[299]?.order_id);
  assert.equal((await all(client.events())).filter((event) => event.type === "PositionOpened").length, 301);
  assert.ok((await trading.closeAll()).every((closing) => closing.status === "done"));
  trading.end();
  await assert.rejects(new Client(URL_OF_EXCHANGE).trading().ready(), NotSignedIn);
});
