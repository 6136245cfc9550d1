import type { DescMessage, DescMethodUnary, JsonObject, JsonValue, MessageShape } from "@bufbuild/protobuf";
import { errorOf } from "./errors.js";
import { answer } from "./http_routes.js";
import { parseExactly } from "./json.js";
import { type Attempt, authorizationOf, type Token, type Transport } from "./transport.js";

/** Where a gateway's HTTP API is. */
export interface HttpOptions {
  /** Such as https://feeds.example.com; empty for the origin of the page. */
  url?: string | undefined;
  token?: Token | undefined;
  /** In place of the global one, for instance with an agent that presents a certificate. */
  fetch?: typeof fetch | undefined;
}

/** A request to the HTTP API: what is asked, below the gateway's address. */
export interface HttpRequest {
  method: "GET" | "PUT" | "POST" | "DELETE";
  path: string;
  query?: URLSearchParams;
  body?: JsonValue;
}

/** Sends a request and gives the document of its answer; rejects with a MoodfeedError. */
export type Send = (request: HttpRequest) => Promise<JsonObject>;

const LONGEST_TARGET = 32 * 1024;
const STATUS_OF_CODES: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  408: "UNAVAILABLE",
  412: "FAILED_PRECONDITION",
  413: "INVALID_ARGUMENT",
  414: "INVALID_ARGUMENT",
  429: "RESOURCE_EXHAUSTED",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

/** Calls the HTTP API of a gateway by fetch, in a browser or in Node. */
export class HttpTransport implements Transport {
  readonly #url: string;
  readonly #token: Token | undefined;
  readonly #fetch: typeof fetch;

  constructor(options: HttpOptions = {}) {
    this.#url = (options.url ?? "").replace(/\/+$/, "");
    this.#token = options.token;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    attempt: Attempt,
  ): Promise<MessageShape<O>> {
    const timeout = AbortSignal.timeout(attempt.timeoutMs);
    const signal = attempt.signal ? AbortSignal.any([timeout, attempt.signal]) : timeout;
    const authorization = await authorizationOf(this.#token);
    return answer(method, request, (asked) => this.#send(asked, authorization, signal, attempt.signal));
  }

  close(): void {}

  async #send(
    asked: HttpRequest,
    authorization: string | undefined,
    signal: AbortSignal,
    callers: AbortSignal | undefined,
  ): Promise<JsonObject> {
    const query = asked.query?.toString();
    const target = `${asked.path}${query ? `?${query}` : ""}`;
    if (target.length > LONGEST_TARGET) {
      // the gateway says the same, but a browser may not read what it says of a request that it did not read whole
      const message = `the URL is longer than ${LONGEST_TARGET} bytes`;
      throw errorOf({ status: "INVALID_ARGUMENT", reason: "REQUEST_TOO_LARGE", message });
    }
    const headers: Record<string, string> = {};
    if (authorization) headers.authorization = authorization;
    const init: RequestInit = { method: asked.method, headers, signal, credentials: "omit" };
    if (asked.body !== undefined) {
      headers["content-type"] = "application/json";
      init.body = JSON.stringify(asked.body);
    }
    try {
      const reply = await this.#fetch(`${this.#url}${target}`, init);
      return read(reply, await reply.text());
    } catch (error) {
      if (callers?.aborted) throw callers.reason;
      if (signal.aborted) {
        throw errorOf({ status: "DEADLINE_EXCEEDED", reason: "", message: "no answer in time", cause: error });
      }
      if (!(error instanceof TypeError)) throw error;
      // fetch says no more about a connection that failed, or an origin that is not allowed
      throw errorOf({ status: "UNAVAILABLE", reason: "", message: `no answer: ${error.message}`, cause: error });
    }
  }
}

function read(reply: Response, text: string): JsonObject {
  let document: JsonValue;
  try {
    document = parseExactly(text);
  } catch (error) {
    document = {};
    if (reply.ok) throw errorOf({ status: "INTERNAL", reason: "", message: "the answer is not JSON", cause: error });
  }
  const found = isObject(document) ? document : {};
  if (reply.ok) return found;
  const error = isObject(found.error) ? found.error : {};
  const seconds = reply.headers.get("retry-after");
  const wait = seconds === null ? Number.NaN : 1_000 * Number(seconds); // a date there is not waited for
  throw errorOf({
    status: textOf(error.status) || (STATUS_OF_CODES[reply.status] ?? "UNKNOWN"),
    reason: textOf(error.reason),
    message: textOf(error.message) || `HTTP ${reply.status}`,
    retryAfterMs: Number.isNaN(wait) ? undefined : wait,
  });
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}
