/** Ed25519 keys of programs: how one is made here, written to a file, and read from what somebody pastes. */

import { newKeyPair } from "reprise-client";

const PUBLIC_BYTES = 32;
/** What stands before the 32 bytes in the DER of a public key of Ed25519, RFC 8410. */
const DER_BEFORE = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const LINE = 64;

/** A pair as it is shown once: the half that is registered, in base64, and the text of the file with the other. */
export interface MadeKey {
  readonly publicKey: string;
  readonly pem: string;
}

/** Make a pair in this browser; null where it cannot, as on a page that did not come over https. */
export async function makeKey(): Promise<MadeKey | null> {
  let pair: Awaited<ReturnType<typeof newKeyPair>>;
  try {
    pair = await newKeyPair();
  } catch {
    return null;
  }
  const der = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  return { publicKey: pair.publicKey, pem: pemOf(der) };
}

/** Write the DER of a private key (PKCS #8) as the text of a PEM file, as `openssl genpkey` does. */
export function pemOf(der: Uint8Array): string {
  const text = btoa(String.fromCharCode(...der));
  const lines = text.match(new RegExp(`.{1,${LINE}}`, "g")) ?? [];
  return ["-----BEGIN PRIVATE KEY-----", ...lines, "-----END PRIVATE KEY-----", ""].join("\n");
}

/** Read a public key: its 32 bytes in base64, its DER in base64, or a PEM file; null for anything else. */
export function publicKeyOf(text: string): string | null {
  if (text.includes("PRIVATE")) return null;
  const digits = text.replace(/-----[^-]+-----|\s/g, "").replaceAll("-", "+").replaceAll("_", "/");
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(digits), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
  if (bytes.length === DER_BEFORE.length + PUBLIC_BYTES && DER_BEFORE.every((byte, at) => bytes[at] === byte)) {
    bytes = bytes.slice(DER_BEFORE.length);
  }
  return bytes.length === PUBLIC_BYTES ? btoa(String.fromCharCode(...bytes)) : null;
}

/** Give the name of the file with a key: letters and digits of its own name, or of its id. */
export function fileNameOf(name: string | null, id: string): string {
  const plain = (name ?? "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40);
  return `reprise-${plain || id.slice(0, 8)}.pem`;
}
