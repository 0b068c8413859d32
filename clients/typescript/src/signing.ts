/** How requests are signed with an API key by WebCrypto: the private half is never sent, and no signature is good twice. */

const FIRST_LINE = "REPRISE-ED25519-2";
const OPTIONS = ["Idempotency-Key", "If-Match", "Prefer"]; // What they change is signed too.
const WINDOW_MS = 5_000;
const NONCE_BYTES = 16;

/** An API key: its id, and its private half. windowMs: how long after its signing a request is good, at most 60,000. */
export class ApiKey {
  readonly id: string;
  readonly #privateKey: CryptoKey;
  readonly #windowMs: number;

  constructor(id: string, privateKey: CryptoKey, windowMs = WINDOW_MS) {
    this.id = id;
    this.#privateKey = privateKey;
    this.#windowMs = windowMs;
  }

  /** Read the private half from the text of a PEM file (PKCS #8), as `openssl genpkey -algorithm ed25519` writes it. */
  static async fromPem(id: string, pem: string, windowMs = WINDOW_MS): Promise<ApiKey> {
    const der = Uint8Array.from(atob(pem.replace(/-----[^-]+-----|\s/g, "")), (byte) => byte.charCodeAt(0));
    return new ApiKey(id, await crypto.subtle.importKey("pkcs8", der, "Ed25519", false, ["sign"]), windowMs);
  }

  /** Give the headers that say who sends a request, and when. body, options: exactly as they are sent. */
  async sign(method: string, url: URL, body: string, options: HeadersInit = {}): Promise<Record<string, string>> {
    const sent = new Headers(options);
    const timestamp = String(Date.now());
    const window = String(this.#windowMs);
    const nonce = base64(crypto.getRandomValues(new Uint8Array(NONCE_BYTES))).replace(/[+/=]/g, "-");
    const digest = hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(body)));
    const query = url.search.replace(/^\?/, "");
    const signed = OPTIONS.map((name) => sent.get(name) ?? "");
    const lines = [FIRST_LINE, this.id, timestamp, window, nonce, method, url.pathname, query, digest, ...signed];
    const text = new TextEncoder().encode(lines.join("\n"));
    return {
      "X-Api-Key": this.id,
      "X-Timestamp": timestamp,
      "X-Window": window,
      "X-Nonce": nonce,
      "X-Signature": base64(new Uint8Array(await crypto.subtle.sign("Ed25519", this.#privateKey, text))),
    };
  }
}

/** A new key pair; the public half, in base64, is what `createApiKey` registers. */
export async function newKeyPair(): Promise<{ privateKey: CryptoKey; publicKey: string }> {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  const publicKey = base64(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
  return { privateKey: pair.privateKey, publicKey };
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
