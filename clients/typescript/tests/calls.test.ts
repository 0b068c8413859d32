/** What requests carry, and what becomes of one whose answer is lost, late or a refusal: against a server of the test. */

import assert from "node:assert/strict";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";

import {
  Changed,
  Client,
  Malformed,
  NotFound,
  NotSignedIn,
  type Options,
  OutcomeUnknown,
  Refused,
  TooMany,
  Unavailable,
  Unreachable,
} from "../src/index.ts";

test("where there is no WebSocket, that is said at once, to who asked for a stream", (t) => {
  const kept = globalThis.WebSocket;
  t.after(() => (globalThis.WebSocket = kept));
  Reflect.deleteProperty(globalThis, "WebSocket");
  assert.throws(() => new Client("http://127.0.0.1:1").stream(["account"]), /no WebSocket here: Node 22 or newer has one/);
});

interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

type Reply = { status: number; body?: unknown; headers?: Record<string, string | string[]> } | "lost";

/** Serve what `answer` says; gives the client, and the requests that came. */
async function serve(t: TestContext, answer: (request: Request) => Reply, options: Options = {}) {
  const requests: Request[] = [];
  const server = createServer((incoming: IncomingMessage, response: ServerResponse) => {
    let body = "";
    incoming.setEncoding("utf8");
    incoming.on("data", (part: string) => (body += part));
    incoming.on("end", () => {
      const { method = "", url = "", headers } = incoming;
      const request = { method, path: url.replace("/api/v1", ""), headers, body };
      requests.push(request);
      const reply = answer(request);
      if (reply === "lost") {
        incoming.socket.destroy();
        return;
      }
      const text = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body ?? "");
      response.writeHead(reply.status, { "Content-Type": "application/json", ...reply.headers });
      response.end(reply.status === 204 ? undefined : text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { client: new Client(url, { patienceMs: 5_000, ...options }), requests };
}

const TOKEN = { access_token: "token-1", token_type: "bearer", expires_in: 900 };
const ORDER = { order_id: "o", command_id: "c", status: "filled", price: "12345678901234567890.10" };

test("20 digits are sent and answered digit for digit", async (t) => {
  const { client, requests } = await serve(t, () => ({ status: 201, body: ORDER }));
  const order = await client.placeOrder({
    symbol: "BTC_USDC",
    side: "long",
    margin: "98765432109876543210.123456",
    leverage: "10",
  });
  assert.equal(order.price, "12345678901234567890.10");
  assert.match(requests[0]?.body ?? "", /"margin":"98765432109876543210\.123456"/);
});

test("every attempt of an order has one key and one body, and the next order has another key", async (t) => {
  const replies: Reply[] = ["lost", { status: 503, body: { code: "ENGINE_BEHIND" } }, { status: 502, body: "<html>" }];
  const { client, requests } = await serve(t, () => replies.shift() ?? { status: 201, body: ORDER });
  const order = { symbol: "BTC_USDC", side: "long", margin: "100", leverage: "10" } as const;
  await client.placeOrder(order);
  await client.placeOrder(order);
  const keys = requests.map((request) => request.headers["idempotency-key"]);
  assert.equal(keys.length, 5);
  assert.equal(new Set(keys.slice(0, 4)).size, 1);
  assert.notEqual(keys[4], keys[0]);
  assert.equal(new Set(requests.map((request) => request.body)).size, 1);
});

test("an undecided order is asked about until its outcome is known", async (t) => {
  const statuses = ["pending", "pending", "done"];
  const { client, requests } = await serve(t, ({ method }) =>
    method === "POST"
      ? { status: 202, body: { command_id: "c", status: "pending" } }
      : { status: 200, body: { command_id: "c", status: statuses.shift(), order: ORDER } },
  );
  const order = await client.placeOrder({ symbol: "BTC_USDC", side: "long", margin: "1", leverage: "1" });
  assert.equal(order.order_id, "o");
  assert.deepEqual(
    requests.map((request) => request.path),
    ["/orders", "/commands/c", "/commands/c", "/commands/c"],
  );
});

test("an order without an answer is an unknown outcome with its key, and one that was not sent is unreachable", async (t) => {
  const { client } = await serve(t, () => "lost", { patienceMs: 300 });
  const order = { symbol: "BTC_USDC", side: "long", margin: "1", leverage: "1" } as const;
  await assert.rejects(client.placeOrder(order, { key: "mine" }), (error) => {
    assert.ok(error instanceof OutcomeUnknown);
    assert.equal(error.key, "mine");
    return true;
  });
  const nobody = createServer();
  await new Promise<void>((resolve) => nobody.listen(0, "127.0.0.1", resolve));
  const { port } = nobody.address() as AddressInfo;
  await new Promise((resolve) => nobody.close(resolve));
  const unheard = new Client(`http://127.0.0.1:${port}`, { patienceMs: 100 });
  await assert.rejects(unheard.placeOrder(order), Unreachable);
  await assert.rejects(unheard.tickers(), (error: Error) => error instanceof Unreachable && /GET http:\S+\/tickers: /.test(error.message));
});

for (const [status, kind] of [
  [401, NotSignedIn],
  [404, NotFound],
  [409, Refused],
  [412, Changed],
  [422, Malformed],
  [429, TooMany],
  [503, Unavailable],
] as const) {
  test(`a ${status} is a ${kind.name} with its code`, async (t) => {
    const headers = { "Retry-After": "60" };
    const { client } = await serve(t, () => ({ status, body: { code: "SOME", detail: "D" }, headers }), { patienceMs: 0 });
    await assert.rejects(client.account(), (error) => {
      assert.ok(error instanceof kind);
      assert.deepEqual([error.status, error.code, error.message, error.name], [status, "SOME", "SOME: D", kind.name]);
      assert.equal(error.retryAfterS, 60);
      return true;
    });
  });
}

test("an expired token is renewed once for all calls, by the refresh cookie that nobody else keeps in Node", async (t) => {
  let good = "token-1";
  const { client, requests } = await serve(t, ({ path, headers }) => {
    if (path === "/auth/login") {
      return { status: 200, body: TOKEN, headers: { "Set-Cookie": ["session=x; Path=/", "refresh=r1; Path=/api/v1/auth"] } };
    }
    if (path === "/auth/refresh") {
      good = "token-2";
      return { status: 200, body: { ...TOKEN, access_token: good }, headers: { "Set-Cookie": "refresh=r2; HttpOnly" } };
    }
    if (headers.authorization !== `Bearer ${good}`) return { status: 401, body: { code: "TOKEN_EXPIRED" } };
    return { status: 200, body: { items: [] } };
  });
  await client.login("ada@example.com", "correct horse battery");
  good = "token-2";
  await Promise.all([client.tickers(), client.instruments(), client.apiKeys()]);
  const refreshed = requests.filter((request) => request.path === "/auth/refresh");
  assert.deepEqual(refreshed.map((request) => request.headers.cookie), ["refresh=r1"]);
  assert.ok(requests.filter((request) => !request.path.startsWith("/auth")).every((each) => each.headers.cookie === undefined));
});

test("a page holds no token, and a session whose cookie ran out is renewed", async (t) => {
  let renewed = false;
  const { client, requests } = await serve(
    t,
    ({ path }) => {
      if (path === "/auth/refresh") {
        renewed = true;
        return { status: 200, body: TOKEN };
      }
      return renewed ? { status: 200, body: { items: [] } } : { status: 401, body: { code: "NOT_AUTHENTICATED" } };
    },
    { cookies: true },
  );
  await client.tickers();
  assert.ok(requests.every((request) => request.headers.authorization === undefined));
  assert.deepEqual(requests.map((request) => request.path), ["/tickers", "/auth/refresh", "/tickers"]);
});

test("a read brings the ledger position of the last command, and is repeated while it is behind that", async (t) => {
  let behind = 2;
  const { client, requests } = await serve(t, ({ method }) => {
    if (method === "POST") return { status: 201, body: ORDER, headers: { "Ledger-Position": "2:17" } };
    return { status: 200, body: { balance: "1" }, headers: behind-- > 0 ? { "Projection-Lag": "3" } : {} };
  });
  await client.placeOrder({ symbol: "BTC_USDC", side: "long", margin: "1", leverage: "1" });
  await client.account();
  assert.equal(requests.length, 4);
  assert.ok(requests.slice(1).every((request) => request.headers["ledger-position"] === "2:17"));
});

test("an amendment leaves out the stops that stay, takes off those that are null, and names the version it saw", async (t) => {
  const { client, requests } = await serve(t, () => ({ status: 200, body: { id: "2-1" }, headers: { ETag: '"two"' } }));
  const amended = await client.amend("2-1", { stop_loss: null, ifMatch: '"one"' });
  assert.equal(amended.etag, '"two"');
  assert.equal(requests[0]?.body, '{"stop_loss":null}');
  assert.equal(requests[0]?.headers["if-match"], '"one"');
});
