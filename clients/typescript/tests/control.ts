/** How a test has things done to the exchange it runs against: lose answers, cut connections, kill and start the server. */

export const URL_OF_EXCHANGE = process.env["EXCHANGE_URL"] ?? "";
const CONTROL = process.env["CONTROL_URL"] ?? "";

/** What can be done; `lose` loses the answers to the next two orders. */
export type Deed = "lose" | "cut" | "kill" | "restart";

export async function control(deed: Deed): Promise<void> {
  const reply = await fetch(`${CONTROL}/${deed}`, { method: "POST" });
  if (!reply.ok) throw new Error(`${deed}: ${await reply.text()}`);
}

export function newEmail(): string {
  return `${crypto.randomUUID()}@example.com`;
}

export const PASSWORD = "correct horse battery";

export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}
