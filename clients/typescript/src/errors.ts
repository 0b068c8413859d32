/** What can go wrong when the exchange is asked, and what each error says about what happened. */

import type { Problem as ProblemDocument } from "./schemas.ts";

/** The name of a refusal or error, e.g. `INSUFFICIENT_MARGIN`; `HTTP_502` where something in between answered. */
export type Code = ProblemDocument["code"] | `HTTP_${number}`;

/** Anything this client throws of its own. */
export class RepriseError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Nobody answered, and nothing was changed: it was a question, or was not sent. */
export class Unreachable extends RepriseError {}

/** A command was sent, and nobody said in time what became of it. Sent again under the same `key`, it executes at most once. */
export class OutcomeUnknown extends RepriseError {
  readonly key: string;
  readonly commandId: string | undefined;

  constructor(key: string, commandId: string | undefined, why: string) {
    super(`what became of the command with key ${JSON.stringify(key)} is not known: ${why}`);
    this.key = key;
    this.commandId = commandId;
  }
}

/** The exchange said no, in a problem document (RFC 9457). retryAfterS: when to ask again, where it said so. */
export class Problem extends RepriseError {
  readonly status: number;
  readonly code: Code;
  readonly detail: string;
  readonly document: Partial<ProblemDocument>;
  readonly retryAfterS: number | undefined;

  constructor(status: number, document: Partial<ProblemDocument>, retryAfterS?: number) {
    const code = document.code ?? (`HTTP_${status}` as const);
    const detail = document.detail ?? document.title ?? "";
    super(detail === "" ? code : `${code}: ${detail}`);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.document = document;
    this.retryAfterS = retryAfterS;
  }
}

/** 401: there are no credentials, or they are not good any more. */
export class NotSignedIn extends Problem {}

/** 403: these credentials may not do this. */
export class Forbidden extends Problem {}

/** 404: there is no such thing, or it is not yours. */
export class NotFound extends Problem {}

/** 409: the exchange's rules say no; nothing was changed. */
export class Refused extends Problem {}

/** 412: it is not any more as it was when its `etag` was read; read it again. */
export class Changed extends Problem {}

/** 400 or 422: the request itself is wrong; `document.errors` names the fields. */
export class Malformed extends Problem {}

/** 429: asked too often; `retryAfterS` says when to go on. */
export class TooMany extends Problem {}

/** 5xx: the exchange cannot answer now. */
export class Unavailable extends Problem {}

/** The WebSocket was closed in a way that asking again does not change. closeCode: why. */
export class StreamRefused extends RepriseError {
  readonly closeCode: number;

  constructor(reason: string, closeCode: number) {
    super(`${reason === "" ? "the exchange closed the stream" : reason} (${closeCode})`);
    this.closeCode = closeCode;
  }
}

const BY_STATUS = new Map<number, typeof Problem>([
  [400, Malformed],
  [401, NotSignedIn],
  [403, Forbidden],
  [404, NotFound],
  [409, Refused],
  [412, Changed],
  [422, Malformed],
  [429, TooMany],
]);

/** Give the error of a status. */
export function problemOf(status: number, document: Partial<ProblemDocument>, retryAfterS?: number): Problem {
  const Kind = BY_STATUS.get(status) ?? (status >= 500 ? Unavailable : Problem);
  return new Kind(status, document, retryAfterS);
}
