import { readFileSync } from "node:fs";
import type { DescMessage, DescMethodUnary, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport as ConnectTransport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { ErrorInfoSchema, RetryInfoSchema } from "./contract/google/rpc/error_details_pb.js";
import { errorOf, type MoodfeedError, STATUS_NAMES } from "./errors.js";
import { type Attempt, authorizationOf, type Token, type Transport } from "./transport.js";

/**
 * Paths of PEM files: of the authority that signed the gateway's certificate, and of a certificate of one's own.
 *
 * Without `authority`, those of Node count. A gateway may require `certificate` and `key`. `serverName` is the name in
 * the gateway's certificate, if it is not the one in the address.
 */
export interface Tls {
  authority?: string | undefined;
  certificate?: string | undefined;
  key?: string | undefined;
  serverName?: string | undefined;
}

/** Where a gateway's gRPC is. */
export interface GrpcOptions {
  /** host:port; 127.0.0.1:50050 by default. */
  address?: string | undefined;
  token?: Token | undefined;
  /** Without it the connection is plaintext; `{}` trusts the authorities of Node. */
  tls?: Tls | undefined;
}

const DOMAIN = "moodfeed";
const PUSHBACK = "grpc-retry-pushback-ms";
const DEFAULT_ADDRESS = "127.0.0.1:50050";

/** Calls the gRPC API of a gateway over HTTP/2, in Node. */
export class GrpcTransport implements Transport {
  readonly #token: Token | undefined;
  readonly #sessions: Http2SessionManager;
  readonly #transport: ConnectTransport;

  /** Throws the error of the file system if a file of `tls` cannot be read. */
  constructor(options: GrpcOptions = {}) {
    const { address = DEFAULT_ADDRESS, tls, token } = options;
    this.#token = token;
    const baseUrl = `${tls ? "https" : "http"}://${address}`;
    const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
    const secure = tls && { ca: read(tls.authority), cert: read(tls.certificate), key: read(tls.key) };
    this.#sessions = new Http2SessionManager(
      baseUrl,
      { pingIntervalMs: 30_000 },
      { ...secure, ...(tls?.serverName ? { servername: tls.serverName } : {}) },
    );
    this.#transport = createGrpcTransport({ baseUrl, sessionManager: this.#sessions });
  }

  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    attempt: Attempt,
  ): Promise<MessageShape<O>> {
    const authorization = await authorizationOf(this.#token);
    const headers = authorization ? { authorization } : undefined;
    // biome-ignore lint/suspicious/noExplicitAny: a message is an init of itself, which the types do not know
    const init = request as any;
    try {
      const answer = await this.#transport.unary(method, attempt.signal, attempt.timeoutMs, headers, init);
      return answer.message;
    } catch (error) {
      if (attempt.signal?.aborted) throw attempt.signal.reason;
      throw errorOfCall(ConnectError.from(error));
    }
  }

  close(): void {
    this.#sessions.abort();
  }
}

/** The error of a failed gRPC call. */
export function errorOfCall(error: ConnectError): MoodfeedError {
  const info = error.findDetails(ErrorInfoSchema)[0];
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  const asked = error.metadata.get(PUSHBACK);
  return errorOf({
    status: isUnanswered(error) ? "UNAVAILABLE" : (STATUS_NAMES[error.code] ?? "UNKNOWN"),
    reason: info?.domain === DOMAIN ? info.reason : "",
    message: error.rawMessage,
    metadata: info?.metadata ?? {},
    retryAfterMs: asked === null ? delay && Number(delay.seconds) * 1_000 + delay.nanos / 1e6 : pushback(asked),
    cause: error,
  });
}

/** What is not a number asks not to try again, as in gRFC A6. */
function pushback(text: string): number {
  return /^-?\d+$/.test(text) ? Number(text) : -1;
}

/**
 * Whether the gateway never took the call, or its answer was lost: gRPC calls a broken connection UNAVAILABLE,
 * connect-node otherwise. A gateway that is being stopped answers CANCELLED to calls that it never began (grpc#41785).
 * The caller's own signal was asked before.
 */
function isUnanswered(error: ConnectError): boolean {
  if (error.code === Code.Canceled) return true;
  return [Code.Aborted, Code.Internal, Code.Unknown].includes(error.code) && error.cause instanceof Error;
}
