import type { DescMessage, DescMethodUnary, MessageShape } from "@bufbuild/protobuf";

/** An API token, or what gives it for each call, where tokens change while a program runs. */
export type Token = string | (() => string | Promise<string>);

/** What one attempt of a call may take. */
export interface Attempt {
  timeoutMs: number;
  /** Aborts when the caller wants no answer any more. */
  signal: AbortSignal | undefined;
}

/** Makes single attempts of calls. Both the gRPC and the HTTP API of a gateway are reached through one of these. */
export interface Transport {
  /** The answer of a method of the contract; rejects with a MoodfeedError, or with the reason of the signal. */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    attempt: Attempt,
  ): Promise<MessageShape<O>>;

  /** Close what is open; calls in progress fail. */
  close(): void;
}

/** The value of the header `authorization`; undefined without a token. */
export async function authorizationOf(token: Token | undefined): Promise<string | undefined> {
  const text = typeof token === "function" ? await token() : token;
  return text ? `Bearer ${text}` : undefined;
}
