/** A page of another origin than the exchange's, in a real browser: it trades, follows, is reloaded, and reports. */

import {
  ApiKey,
  Client,
  NotSignedIn,
  Refused,
  Unreachable,
  isAccountSnapshot,
  isAccountUpdate,
  isTicker,
  newKeyPair,
} from "../src/index.ts";

const PARAMETERS = new URLSearchParams(location.search);
const EXCHANGE = PARAMETERS.get("exchange") ?? "";
const BTC = { symbol: "BTC_USDC", side: "long", leverage: "10", margin: "10" } as const;
const PASSWORD = "correct horse battery";

/** Fail with what was seen, where it is not what it should be. */
function check(what: string, seen: unknown, wanted: unknown): void {
  if (JSON.stringify(seen) !== JSON.stringify(wanted)) {
    throw new Error(`${what}: ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`);
  }
}

async function failureOf(asked: Promise<unknown>): Promise<unknown> {
  try {
    await asked;
  } catch (error) {
    return error;
  }
  return undefined;
}

/** End every connection to the exchange. */
async function cut(): Promise<void> {
  await fetch("/cut", { method: "POST" });
}

/** Register, trade over cut connections, hear each event once, sign with a key; then load the page anew. */
async function trades(): Promise<void> {
  const client = new Client(EXCHANGE, { patienceMs: 60_000 });
  const email = `${crypto.randomUUID()}@example.com`;
  check("who registered", (await client.register(email, PASSWORD)).email, email);
  check("what a script of the page sees of the session", /session|refresh|token/i.test(document.cookie), false);
  const stream = client.stream(["account", "ticks.BTC_USDC"]);
  await stream.ready();

  const order = await client.placeOrder(BTC);
  const id = order.position_id ?? "";
  const seen = await client.position(id);
  const amended = await client.amend(id, { stop_loss: "40000", ifMatch: seen.etag ?? "" });
  check("the stop", amended.stop_loss, "40000.0");
  await cut();
  const closed = await client.close(id);
  check("the close", closed.status, "closed");
  await cut();
  await client.deposit("1");

  const heard: number[] = [];
  const events: string[] = [];
  let snapshots = 0;
  let ticks = 0;
  for await (const message of stream) {
    if (isAccountSnapshot(message)) snapshots += 1;
    if (isTicker(message)) ticks += 1;
    if (!isAccountUpdate(message)) continue;
    heard.push(message.seq);
    events.push(message.data.event);
    if (message.data.event === "Deposited") break;
  }
  const first = heard[0] ?? 0;
  check("the numbers", heard, heard.map((_, index) => first + index));
  check("the events", events, ["PositionOpened", "StopsAmended", "PositionClosed", "Deposited"]);
  check("snapshots and prices", [snapshots, ticks > 0], [1, true]);

  check("the receipt", (await client.receipt(closed.receipt_id ?? "")).position_id, id);
  check("the account", (await client.account()).free_margin, "5000.999800");
  const refusal = await failureOf(client.placeOrder({ ...BTC, margin: "9999" }));
  check("the refusal", refusal instanceof Refused && refusal.code, "INSUFFICIENT_MARGIN");

  const { privateKey, publicKey } = await newKeyPair();
  const key = await client.createApiKey(publicKey, ["read", "trade"]);
  const program = new Client(EXCHANGE, { apiKey: new ApiKey(key.id, privateKey) });
  check("what the key sees", (await program.account()).account_id, (await client.me()).account_id);
  const following = program.stream(["account"]);
  await following.ready();
  following.close();

  sessionStorage.setItem("email", email);
  PARAMETERS.set("step", "reloaded");
  location.replace(`/?${PARAMETERS.toString()}`);
  await new Promise(() => undefined); // The page ends here.
}

/** The browser kept the session; it goes on, is renewed, and ends. */
async function reloaded(): Promise<void> {
  const client = new Client(EXCHANGE);
  check("who is signed in", (await client.me()).email, sessionStorage.getItem("email"));
  await client.refresh();
  const stream = client.stream(["account"]);
  await stream.ready();
  stream.close();
  await client.logout();
  check("who logged out", (await failureOf(client.me())) instanceof NotSignedIn, true);
  check("a stream of nobody", (await failureOf(client.stream(["account"]).ready())) instanceof NotSignedIn, true);
}

/** A page of an origin that is not allowed can do nothing. */
async function foreign(): Promise<void> {
  const client = new Client(EXCHANGE, { patienceMs: 100 });
  check("a question", (await failureOf(client.tickers())) instanceof Unreachable, true);
  check("a login", (await failureOf(client.register(`${crypto.randomUUID()}@example.com`, PASSWORD))) instanceof Unreachable, true);
}

async function report(): Promise<void> {
  const steps: Readonly<Record<string, () => Promise<void>>> = { trades, reloaded, foreign };
  const step = PARAMETERS.get("step") ?? "";
  const failure = await failureOf(steps[step]?.() ?? Promise.reject(new Error(`there is no step ${step}`)));
  const text = failure instanceof Error ? `${failure.name}: ${failure.message}\n${failure.stack ?? ""}` : String(failure);
  await fetch("/report", { method: "POST", body: failure === undefined ? step : text });
}

void report();
