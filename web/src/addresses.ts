/** The addresses of the screen, a closed list: what each shows, and how it is written. api/screen/pages.py has the same. */

export type Place =
  | { readonly view: "home" }
  | { readonly view: "login" }
  | { readonly view: "register" }
  | { readonly view: "replay" }
  | { readonly view: "admin" }
  | { readonly view: "account" }
  | { readonly view: "trade"; readonly symbol: string }
  | { readonly view: "receipt"; readonly positionId: string };

const NAMED: ReadonlyMap<string, Place> = new Map([
  ["/", { view: "home" }],
  ["/login", { view: "login" }],
  ["/register", { view: "register" }],
  ["/replay", { view: "replay" }],
  ["/admin", { view: "admin" }],
  ["/account", { view: "account" }],
]);
const SYMBOL = /^\/trade\/([A-Z0-9.-]+_[A-Z0-9.-]+)$/;
const POSITION = /^\/positions\/(\d{1,10}-\d{1,20})$/;

/** Give what an address shows; null for one that is none of ours. */
export function placeOf(path: string): Place | null {
  const named = NAMED.get(path);
  if (named !== undefined) return named;
  const symbol = SYMBOL.exec(path)?.[1];
  if (symbol !== undefined) return { view: "trade", symbol };
  const positionId = POSITION.exec(path)?.[1];
  return positionId === undefined ? null : { view: "receipt", positionId };
}

export function tradeOf(symbol: string): string {
  return `/trade/${symbol}`;
}

export function receiptOf(positionId: string): string {
  return `/positions/${positionId}`;
}

/** The replay of an account, one's own where none is named, at a moment. */
export function replayOf(of: { readonly account?: string | undefined; readonly offset?: number; readonly event?: number | undefined; readonly position?: string }): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(of)) if (value !== undefined) query.set(name, String(value));
  const text = query.toString();
  return text === "" ? "/replay" : `/replay?${text}`;
}
