import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import {
  CatalogService,
  type KeptPost,
  type PostSchema,
  type UpsertPostsResponse,
} from "./contract/moodfeed/catalog/v1/catalog_pb.js";
import {
  type Category,
  type FeedResult,
  FeedService,
  GetFeedRequestSchema,
  type GetFeedResponse,
  GetSimilarPostsRequestSchema,
  type GetSimilarPostsResponse,
  ListTrendingRequestSchema,
  type ListTrendingResponse,
} from "./contract/moodfeed/feed/v1/feed_pb.js";
import {
  type ExportPersonResponse,
  FeedbackService,
  type InteractionSchema,
  RecordInteractionsRequestSchema,
  type RecordInteractionsResponse,
  RecordResult,
} from "./contract/moodfeed/feedback/v1/feedback_pb.js";
import { type Rule, type RuleSchema, RuleService } from "./contract/moodfeed/rules/v1/rules_pb.js";
import { errorOf, MoodfeedError, STATUS_NAMES } from "./errors.js";
import { Pages } from "./pages.js";
import { DEFAULT_RETRIES, type Retries, waitMs } from "./retries.js";
import type { Transport } from "./transport.js";

/** The fields of a GetFeedRequest. */
export type FeedInit = MessageInitShape<typeof GetFeedRequestSchema>;
/** The fields of a GetSimilarPostsRequest. */
export type SimilarInit = MessageInitShape<typeof GetSimilarPostsRequestSchema>;
/** The fields of a ListTrendingRequest. */
export type TrendingInit = MessageInitShape<typeof ListTrendingRequestSchema>;
/** The fields of an Interaction. */
export type InteractionInit = MessageInitShape<typeof InteractionSchema>;
/** The fields of a Post. */
export type PostInit = MessageInitShape<typeof PostSchema>;
/** The fields of a Rule. */
export type RuleInit = MessageInitShape<typeof RuleSchema>;

/** Options of one call. */
export interface CallOptions {
  /** Aborts the call, which then rejects with the reason of the signal. */
  signal?: AbortSignal | undefined;
  /** For all attempts together, in place of the client's own. */
  timeoutMs?: number | undefined;
}

/** Options of an iteration over pages. */
export interface PagesOptions extends CallOptions {
  /** Begin again when a page token has died; see Pages. */
  restart?: boolean | undefined;
}

/** Options of a client. */
export interface ClientOptions {
  /** For each call with all its attempts; 10 seconds by default. */
  timeoutMs?: number | undefined;
  retries?: Partial<Retries> | undefined;
}

const DEFAULT_TIMEOUT_MS = 10_000;
/** Of these, a second call answers otherwise than the first: they are repeated only if the gateway refused them. */
const NOT_REPEATED: ReadonlySet<DescMethodUnary> = new Set([
  FeedbackService.method.mergePeople,
  RuleService.method.deleteRule,
] as DescMethodUnary[]);

/**
 * Calls a gateway: over HTTP as made by `httpClient`, or over gRPC as made by `grpcClient` of `moodfeed-client/node`.
 *
 * Every method rejects with a MoodfeedError, or with the reason of its signal. A call that fails is made again where
 * that may help, until `timeoutMs` have passed since its beginning. Ids of posts and positions are bigint.
 */
export class MoodfeedClient {
  readonly #transport: Transport;
  readonly #timeoutMs: number;
  readonly #retries: Retries;

  constructor(transport: Transport, options: ClientOptions = {}) {
    this.#transport = transport;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#retries = { ...DEFAULT_RETRIES, ...options.retries };
  }

  /** Close the connection; calls in progress fail. */
  close(): void {
    this.#transport.close();
  }

  /** One page of a user's feed, best first. */
  feed(request: FeedInit, options?: CallOptions): Promise<GetFeedResponse> {
    return this.call(FeedService.method.getFeed, request, options);
  }

  /** The pages of a user's feed; `pageToken` in the request resumes them. */
  feedPages(request: FeedInit, options: PagesOptions = {}): Pages<GetFeedResponse> {
    const asked = create(GetFeedRequestSchema, request);
    const ask = (pageToken: string) => this.feed({ ...asked, pageToken }, options);
    return new Pages(ask, { pageToken: asked.pageToken, restart: options.restart ?? false });
  }

  /**
   * Several feeds, 1 to 64, in their order; `feedOf` gives the feed of a result, or throws its error. With `distinct` no
   * post is in two of them.
   */
  async feeds(feeds: FeedInit[], options: CallOptions & { distinct?: boolean } = {}): Promise<FeedResult[]> {
    const request = { feeds, distinct: options.distinct ?? false };
    return (await this.call(FeedService.method.getFeeds, request, options)).results;
  }

  /** One page of the posts that are most like a post, for a user if `username` is given. */
  similar(request: SimilarInit, options?: CallOptions): Promise<GetSimilarPostsResponse> {
    return this.call(FeedService.method.getSimilarPosts, request, options);
  }

  /** The pages of similar posts. */
  similarPages(request: SimilarInit, options: PagesOptions = {}): Pages<GetSimilarPostsResponse> {
    const asked = create(GetSimilarPostsRequestSchema, request);
    const ask = (pageToken: string) => this.similar({ ...asked, pageToken }, options);
    return new Pages(ask, { pageToken: asked.pageToken, restart: options.restart ?? false });
  }

  /** One page of the posts that people interact with most at present. */
  trending(request: TrendingInit = {}, options?: CallOptions): Promise<ListTrendingResponse> {
    return this.call(FeedService.method.listTrending, request, options);
  }

  /** The pages of the trends. */
  trendingPages(request: TrendingInit = {}, options: PagesOptions = {}): Pages<ListTrendingResponse> {
    const asked = create(ListTrendingRequestSchema, request);
    const ask = (pageToken: string) => this.trending({ ...asked, pageToken }, options);
    return new Pages(ask, { pageToken: asked.pageToken, restart: options.restart ?? false });
  }

  /** All categories with at least one post, ascending by id. */
  async categories(options?: CallOptions): Promise<Category[]> {
    return (await this.call(FeedService.method.listCategories, {}, options)).categories;
  }

  /**
   * Record one thing that a person did, such as `{ username: "ana", verb: Verb.LIKE, postId: 3n }`.
   *
   * The client gives it an `eventId`, unless one is given, so that a retry never counts twice. The response has the
   * `position` that `feed` takes as `atLeastPosition`. Rejects with InvalidRequestError if the row is rejected.
   */
  async record(interaction: InteractionInit, options?: CallOptions): Promise<RecordInteractionsResponse> {
    const answer = await this.recordInteractions([interaction], options);
    const result = answer.results[0];
    if (result?.result === RecordResult.REJECTED) {
      throw errorOf({ status: "INVALID_ARGUMENT", reason: "INTERACTION_REJECTED", message: result.reason });
    }
    return answer;
  }

  /**
   * Record 1 to 1000 interactions; each has a result of its own, in their order. Those without an `eventId` get one; a
   * DUPLICATE was recorded before, also by an earlier attempt of this call.
   */
  recordInteractions(interactions: InteractionInit[], options?: CallOptions): Promise<RecordInteractionsResponse> {
    const request = create(RecordInteractionsRequestSchema, { interactions });
    for (const interaction of request.interactions) interaction.eventId ||= newEventId();
    return this.call(FeedbackService.method.recordInteractions, request, options);
  }

  /** Everything that is stored about a person; PersonNotFoundError if nothing is. For operators. */
  exportPerson(username: string, options?: CallOptions): Promise<ExportPersonResponse> {
    return this.call(FeedbackService.method.exportPerson, { username }, options);
  }

  /** Delete what is stored about a person; gives the position of the log. For operators. */
  async deletePerson(username: string, options?: CallOptions): Promise<bigint> {
    return (await this.call(FeedbackService.method.deletePerson, { username }, options)).position;
  }

  /** Give all interactions of one person to another; gives the position of the log. For operators. */
  async mergePeople(mergedUsername: string, intoUsername: string, options?: CallOptions): Promise<bigint> {
    const request = { mergedUsername, intoUsername };
    return (await this.call(FeedbackService.method.mergePeople, request, options)).position;
  }

  /** Add or replace 1 to 64 posts; each has a result of its own, in their order. Over HTTP they go one by one. */
  upsertPosts(posts: PostInit[], options?: CallOptions): Promise<UpsertPostsResponse> {
    return this.call(CatalogService.method.upsertPosts, { posts }, options);
  }

  /** Delete posts, by either id; gives the position of the log from which on they are gone. */
  async deletePosts(names: { postIds?: bigint[]; externalIds?: string[] }, options?: CallOptions): Promise<bigint> {
    return (await this.call(CatalogService.method.deletePosts, names, options)).position;
  }

  /** Posts as they are stored, ascending by id; those that nobody knows are left out. */
  async posts(names: { postIds?: bigint[]; externalIds?: string[] }, options?: CallOptions): Promise<KeptPost[]> {
    return (await this.call(CatalogService.method.getPosts, names, options)).posts;
  }

  /** Add a rule, or replace the one of its name; gives the position of the log. For operators. */
  async setRule(rule: RuleInit, options?: CallOptions): Promise<bigint> {
    return (await this.call(RuleService.method.setRule, { rule }, options)).position;
  }

  /** Delete a rule; RuleNotFoundError if there is none of this name. For operators. */
  async deleteRule(name: string, options?: CallOptions): Promise<bigint> {
    return (await this.call(RuleService.method.deleteRule, { name }, options)).position;
  }

  /** All rules, ascending by name. For operators. */
  async rules(options?: CallOptions): Promise<Rule[]> {
    return (await this.call(RuleService.method.listRules, {}, options)).rules;
  }

  /** Call a method of the contract by its message, with retries; the methods above all end here. */
  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    const message = create(method.input, request);
    const end = performance.now() + (options.timeoutMs ?? this.#timeoutMs);
    const mayRepeat = !NOT_REPEATED.has(method as unknown as DescMethodUnary);
    for (let attempt = 1; ; attempt += 1) {
      options.signal?.throwIfAborted();
      try {
        const timeoutMs = Math.max(1, Math.ceil(end - performance.now()));
        return await this.#transport.call(method, message, { timeoutMs, signal: options.signal });
      } catch (error) {
        if (!(error instanceof MoodfeedError)) throw error;
        const wait = waitMs(this.#retries, error, { attempt, msLeft: end - performance.now(), mayRepeat });
        if (wait === undefined) throw error;
        await sleep(wait, options.signal);
      }
    }
  }
}

/** The feed of a result of `feeds`; throws the error that this feed alone met. */
export function feedOf(result: FeedResult): GetFeedResponse {
  if (result.result.case === "feed") return result.result.value;
  const error = result.result.value;
  throw errorOf({
    status: STATUS_NAMES[error?.code ?? 2] ?? "UNKNOWN",
    reason: error?.reason ?? "",
    message: error?.message ?? "",
  });
}

/** A random UUID; `crypto.randomUUID` is missing where a page does not come over HTTPS or from this machine. */
function newEventId(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
