/** The details of a failed call. */
export interface Failure {
  /** The name of the gRPC status, such as NOT_FOUND. */
  status: string;
  /** The gateway's reason code, such as CATEGORY_NOT_FOUND; empty if it sent none, for example if it was unreachable. */
  reason: string;
  message: string;
  metadata?: Readonly<Record<string, string>>;
  /** The delay that the gateway asks for; undefined if it names none, negative if it asks not to retry. */
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/**
 * A call failed. One subclass for each way that a caller can react.
 *
 * - InvalidRequestError: the request can never succeed as it is. PageTokenError: start again at the first page.
 *   RequestTooLargeError: send less at once.
 * - NotFoundError: CategoryNotFoundError, PersonNotFoundError, PostNotFoundError, RuleNotFoundError, and
 *   UserNotFoundError: give a mood and a category, or a fallback.
 * - UnauthenticatedError: the token is missing or wrong.
 * - PermissionDeniedError: TokenScopeError: the token lacks the scope for this call.
 * - PreconditionError: BundleNotHeldError.
 * - ThrottledError: try again after retryAfterMs. OverloadedError, RateLimitedError.
 * - UnavailableError: a later attempt may succeed. NoStoreError: only after an operator sets up a store.
 *   PositionNotReachedError, StoreUnavailableError.
 * - DeadlineError: the deadline passed before a response came.
 * - InternalError: any other error of the gateway, or of a proxy in front of it.
 */
export class MoodfeedError extends Error {
  override name = "MoodfeedError";
  readonly status: string;
  readonly reason: string;
  /** The gateway's message, without the reason. */
  readonly text: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryAfterMs: number | undefined;

  constructor(failure: Failure) {
    super(`${failure.reason || failure.status}: ${failure.message}`, { cause: failure.cause });
    this.status = failure.status;
    this.reason = failure.reason;
    this.text = failure.message;
    this.metadata = failure.metadata ?? {};
    this.retryAfterMs = failure.retryAfterMs;
  }
}

/** The request can never succeed as it is; the message begins with the name of the field. */
export class InvalidRequestError extends MoodfeedError {
  override name = "InvalidRequestError";
}
/** The page token has expired or belongs to another request: start again at the first page. */
export class PageTokenError extends InvalidRequestError {
  override name = "PageTokenError";
}
/** The request is larger than the gateway accepts: send less at once. */
export class RequestTooLargeError extends InvalidRequestError {
  override name = "RequestTooLargeError";
}
/** Something that the request names does not exist. */
export class NotFoundError extends MoodfeedError {
  override name = "NotFoundError";
}
/** No post has this category. */
export class CategoryNotFoundError extends NotFoundError {
  override name = "CategoryNotFoundError";
}
/** Nothing is stored about this person. */
export class PersonNotFoundError extends NotFoundError {
  override name = "PersonNotFoundError";
}
/** There is no such post. */
export class PostNotFoundError extends NotFoundError {
  override name = "PostNotFoundError";
}
/** There is no rule of this name. */
export class RuleNotFoundError extends NotFoundError {
  override name = "RuleNotFoundError";
}
/** The user is unknown: give a mood and a category, or a fallback. */
export class UserNotFoundError extends NotFoundError {
  override name = "UserNotFoundError";
}
/** The token is missing or wrong. */
export class UnauthenticatedError extends MoodfeedError {
  override name = "UnauthenticatedError";
}
/** The call is not allowed. */
export class PermissionDeniedError extends MoodfeedError {
  override name = "PermissionDeniedError";
}
/** The token is valid but lacks the scope for this call. */
export class TokenScopeError extends PermissionDeniedError {
  override name = "TokenScopeError";
}
/** The gateway cannot keep a condition of the request. */
export class PreconditionError extends MoodfeedError {
  override name = "PreconditionError";
}
/** The bundle that the request requires is not held. */
export class BundleNotHeldError extends PreconditionError {
  override name = "BundleNotHeldError";
}
/** The gateway refuses the call for now: try again after retryAfterMs. */
export class ThrottledError extends MoodfeedError {
  override name = "ThrottledError";
}
/** The gateway is overloaded. */
export class OverloadedError extends ThrottledError {
  override name = "OverloadedError";
}
/** The token's request rate limit is exceeded. */
export class RateLimitedError extends ThrottledError {
  override name = "RateLimitedError";
}
/** The gateway, or a service behind it, does not answer; a later attempt may succeed. */
export class UnavailableError extends MoodfeedError {
  override name = "UnavailableError";
}
/** The gateway has no store, so nothing can be written; only its operator can change that. */
export class NoStoreError extends UnavailableError {
  override name = "NoStoreError";
}
/** The log was not read up to atLeastPosition in time. */
export class PositionNotReachedError extends UnavailableError {
  override name = "PositionNotReachedError";
}
/** The store does not answer; feeds continue. */
export class StoreUnavailableError extends UnavailableError {
  override name = "StoreUnavailableError";
}
/** The deadline passed before a response came. */
export class DeadlineError extends MoodfeedError {
  override name = "DeadlineError";
}
/** Any other error of the gateway, or of a proxy in front of it. */
export class InternalError extends MoodfeedError {
  override name = "InternalError";
}

type ErrorClass = new (failure: Failure) => MoodfeedError;

const BY_STATUS: Readonly<Record<string, ErrorClass>> = {
  INVALID_ARGUMENT: InvalidRequestError,
  OUT_OF_RANGE: InvalidRequestError,
  NOT_FOUND: NotFoundError,
  UNAUTHENTICATED: UnauthenticatedError,
  PERMISSION_DENIED: PermissionDeniedError,
  FAILED_PRECONDITION: PreconditionError,
  RESOURCE_EXHAUSTED: ThrottledError,
  UNAVAILABLE: UnavailableError,
  DEADLINE_EXCEEDED: DeadlineError,
};

const BY_REASON: Readonly<Record<string, ErrorClass>> = {
  BUNDLE_NOT_HELD: BundleNotHeldError,
  CATEGORY_NOT_FOUND: CategoryNotFoundError,
  NO_STORE: NoStoreError,
  OVERLOADED: OverloadedError,
  PAGE_TOKEN_INVALID: PageTokenError,
  PERSON_NOT_FOUND: PersonNotFoundError,
  POSITION_NOT_REACHED: PositionNotReachedError,
  POST_NOT_FOUND: PostNotFoundError,
  RATE_LIMITED: RateLimitedError,
  REQUEST_TOO_LARGE: RequestTooLargeError,
  RULE_NOT_FOUND: RuleNotFoundError,
  STORE_UNAVAILABLE: StoreUnavailableError,
  TOKEN_SCOPE_MISSING: TokenScopeError,
  USER_NOT_FOUND: UserNotFoundError,
};

/** The error of a failure; a reason that this release does not know has the class of its status. */
export function errorOf(failure: Failure): MoodfeedError {
  const kind = known(BY_REASON, failure.reason) ?? known(BY_STATUS, failure.status) ?? InternalError;
  return new kind(failure);
}

/** Not what every object has, such as `constructor`. */
function known(kinds: Readonly<Record<string, ErrorClass>>, name: string): ErrorClass | undefined {
  return Object.hasOwn(kinds, name) ? kinds[name] : undefined;
}

/** The names of gRPC's statuses by their codes. */
export const STATUS_NAMES: Readonly<Record<number, string>> = {
  1: "CANCELLED",
  2: "UNKNOWN",
  3: "INVALID_ARGUMENT",
  4: "DEADLINE_EXCEEDED",
  5: "NOT_FOUND",
  6: "ALREADY_EXISTS",
  7: "PERMISSION_DENIED",
  8: "RESOURCE_EXHAUSTED",
  9: "FAILED_PRECONDITION",
  10: "ABORTED",
  11: "OUT_OF_RANGE",
  12: "UNIMPLEMENTED",
  13: "INTERNAL",
  14: "UNAVAILABLE",
  15: "DATA_LOSS",
  16: "UNAUTHENTICATED",
};
