/** Which requests of the HTTP API answer each method of the contract. */

import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type JsonObject,
  type JsonValue,
  type MessageShape,
} from "@bufbuild/protobuf";
import {
  CatalogService,
  type DeletePostsRequest,
  DeletePostsResponseSchema,
  type GetPostsRequest,
  GetPostsResponseSchema,
  type KeptPost,
  KeptPostSchema,
  type Post,
  PostResultSchema,
  PostSchema,
  type UpsertPostsRequest,
  UpsertPostsResponseSchema,
  UpsertResult,
} from "./contract/moodfeed/catalog/v1/catalog_pb.js";
import {
  FeedService,
  type GetFeedRequest,
  GetFeedRequestSchema,
  type GetFeedResponse,
  type GetFeedsRequest,
  GetFeedsRequestSchema,
  GetFeedsResponseSchema,
  type GetSimilarPostsRequest,
  GetSimilarPostsRequestSchema,
} from "./contract/moodfeed/feed/v1/feed_pb.js";
import { FeedbackService } from "./contract/moodfeed/feedback/v1/feedback_pb.js";
import { RuleSchema, RuleService, type SetRuleRequest } from "./contract/moodfeed/rules/v1/rules_pb.js";
import { errorOf, InvalidRequestError, PostNotFoundError, STATUS_NAMES } from "./errors.js";
import type { Send } from "./http_transport.js";
import { readJson, writeJson } from "./json.js";

const EXACT = new URLSearchParams({ ids: "string" });
const MOST_POSTS = 64;
const MOST_POST_IDS = 1000;
const CODES = new Map(Object.entries(STATUS_NAMES).map(([code, name]) => [name, Number(code)]));

/** Gives the message, or the JSON document that it is read from. */
type Route = (request: never, send: Send) => Promise<unknown>;

/** The answer of a method; rejects with a MoodfeedError. */
export async function answer<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  request: MessageShape<I>,
  send: Send,
): Promise<MessageShape<O>> {
  const route = ROUTES.get(nameOf(method as unknown as DescMethodUnary));
  if (!route) throw errorOf({ status: "UNIMPLEMENTED", reason: "", message: `${method.name} has no HTTP path` });
  const found = await route(request as never, send);
  return isMessage(found) ? (found as MessageShape<O>) : readJson(method.output, found as JsonValue);
}

const ROUTES = new Map<string, Route>([
  [
    nameOf(FeedService.method.getFeed),
    async (request: GetFeedRequest, send) => {
      if (request.excludedOwnerUsernames.some((name) => name.includes(","))) return firstOfSeveral(request, send);
      return send({ method: "GET", path: "/feed", query: queryOf(GetFeedRequestSchema, request) });
    },
  ],
  [
    nameOf(FeedService.method.getFeeds),
    async (request: GetFeedsRequest, send) => readJson(GetFeedsResponseSchema, await several(request, send)),
  ],
  [
    nameOf(FeedService.method.getSimilarPosts),
    (request: GetSimilarPostsRequest, send) => {
      const query = queryOf(GetSimilarPostsRequestSchema, request);
      query.delete("post_id");
      query.delete("external_id");
      return send({ method: "GET", path: `${postPath(request)}/similar`, query });
    },
  ],
  [
    nameOf(FeedService.method.listTrending),
    (request, send) =>
      send({ method: "GET", path: "/trending", query: queryOf(FeedService.method.listTrending.input, request) }),
  ],
  [nameOf(FeedService.method.listCategories), (_, send) => send({ method: "GET", path: "/categories" })],
  [
    nameOf(FeedbackService.method.recordInteractions),
    (request, send) => {
      const body = writeJson(FeedbackService.method.recordInteractions.input, request);
      return send({ method: "POST", path: "/interactions", body: { interactions: [], ...body } });
    },
  ],
  [
    nameOf(FeedbackService.method.exportPerson),
    ({ username }: { username: string }, send) =>
      send({ method: "GET", path: `/people/${encodeURIComponent(username)}`, query: EXACT }),
  ],
  [
    nameOf(FeedbackService.method.deletePerson),
    ({ username }: { username: string }, send) =>
      send({ method: "DELETE", path: `/people/${encodeURIComponent(username)}` }),
  ],
  [
    nameOf(FeedbackService.method.mergePeople),
    ({ mergedUsername, intoUsername }: { mergedUsername: string; intoUsername: string }, send) => {
      const body = { merged_username: mergedUsername, into_username: intoUsername };
      return send({ method: "POST", path: "/people/merge", body });
    },
  ],
  [nameOf(CatalogService.method.upsertPosts), upsertPosts],
  [nameOf(CatalogService.method.deletePosts), deletePosts],
  [nameOf(CatalogService.method.getPosts), getPosts],
  [
    nameOf(RuleService.method.setRule),
    ({ rule }: SetRuleRequest, send) => {
      const body = rule ? writeJson(RuleSchema, rule) : {};
      return send({ method: "PUT", path: `/rules/${encodeURIComponent(rule?.name ?? "")}`, body });
    },
  ],
  [
    nameOf(RuleService.method.deleteRule),
    ({ name }: { name: string }, send) => send({ method: "DELETE", path: `/rules/${encodeURIComponent(name)}` }),
  ],
  [nameOf(RuleService.method.listRules), (_, send) => send({ method: "GET", path: "/rules", query: EXACT })],
] as [string, Route][]);

function nameOf(method: { parent: { typeName: string }; name: string }): string {
  return `${method.parent.typeName}/${method.name}`;
}

function isMessage(value: unknown): boolean {
  return typeof value === "object" && value !== null && "$typeName" in value;
}

/** The fields that are set as parameters; a list holds commas between its values. */
function queryOf<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): URLSearchParams {
  const query = new URLSearchParams(EXACT);
  for (const [name, value] of Object.entries(writeJson(schema, message))) {
    if (name === "exclude_external_ids") {
      for (const item of value as string[]) query.append(name, item);
    } else {
      query.set(name === "exclude_post_ids" ? "exclude" : name, String(value));
    }
  }
  return query;
}

/** A feed whose request GET /feed cannot express, as an account's name holds a comma. */
async function firstOfSeveral(request: GetFeedRequest, send: Send): Promise<GetFeedResponse> {
  const { results } = readJson(
    GetFeedsResponseSchema,
    await several(create(GetFeedsRequestSchema, { feeds: [request] }), send),
  );
  const result = results[0]?.result;
  if (result?.case === "feed") return result.value;
  const status = STATUS_NAMES[result?.value?.code ?? 2] ?? "UNKNOWN";
  throw errorOf({ status, reason: result?.value?.reason ?? "", message: result?.value?.message ?? "no feed" });
}

/** The document of POST /feeds; the code of an error is that of gRPC, as in the contract. */
async function several(request: GetFeedsRequest, send: Send): Promise<JsonObject> {
  const body = { feeds: [], ...writeJson(GetFeedsRequestSchema, request) };
  const document = await send({ method: "POST", path: "/feeds", query: EXACT, body });
  const results = (document.results as JsonObject[]).map((result) => {
    const error = result.error as JsonObject | undefined;
    return error ? { error: { ...error, code: CODES.get(String(error.status)) ?? 2 } } : result;
  });
  return { results };
}

function postPath(post: { postId?: bigint | undefined; externalId: string }): string {
  if (post.postId || !post.externalId) return `/posts/${post.postId ?? 0n}`;
  return `/posts/external:${encodeURIComponent(post.externalId)}`;
}

async function upsertPosts(request: UpsertPostsRequest, send: Send): Promise<unknown> {
  checkCount(request.posts.length, MOST_POSTS);
  const answer = create(UpsertPostsResponseSchema);
  for (const post of request.posts) answer.results.push(await upsertPost(post, send, answer));
  return answer;
}

async function upsertPost(post: Post, send: Send, answer: { position: bigint }) {
  const rejected = (reason: string) => create(PostResultSchema, { result: UpsertResult.REJECTED, reason });
  if (post.postId === undefined && post.externalId === "") {
    return rejected("post_id: is required unless there is an external_id");
  }
  try {
    const document = await send({ method: "PUT", path: postPath(post), body: writeJson(PostSchema, post) });
    const position = BigInt(document.position as string | number);
    if (position > answer.position) answer.position = position;
    return create(PostResultSchema, {
      result: UpsertResult.ACCEPTED,
      postId: BigInt(document.post_id as string | number),
    });
  } catch (error) {
    if (error instanceof InvalidRequestError && error.reason !== "BODY_MALFORMED") return rejected(error.text);
    throw error;
  }
}

async function deletePosts(request: DeletePostsRequest, send: Send): Promise<unknown> {
  const answer = create(DeletePostsResponseSchema);
  for (const path of pathsOf(request)) {
    const { position } = await send({ method: "DELETE", path });
    if (BigInt(position as string | number) > answer.position) answer.position = BigInt(position as string | number);
  }
  return answer;
}

async function getPosts(request: GetPostsRequest, send: Send): Promise<unknown> {
  const found = new Map<bigint, KeptPost>();
  for (const path of pathsOf(request)) {
    try {
      const kept = readJson(KeptPostSchema, await send({ method: "GET", path, query: EXACT }));
      found.set(kept.post?.postId ?? 0n, kept);
    } catch (error) {
      if (!(error instanceof PostNotFoundError)) throw error;
    }
  }
  const posts = [...found.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, kept]) => kept);
  return create(GetPostsResponseSchema, { posts });
}

function pathsOf(request: { postIds: bigint[]; externalIds: string[] }): string[] {
  const paths = [
    ...request.postIds.map((postId) => postPath({ postId, externalId: "" })),
    ...request.externalIds.map((externalId) => postPath({ externalId })),
  ];
  checkCount(paths.length, MOST_POST_IDS);
  return paths;
}

/** HTTP has a path for one post: what the gateway says of too few or too many, the client says itself. */
function checkCount(count: number, most: number): void {
  if (count >= 1 && count <= most) return;
  const message = `the request has ${count} posts, it must have 1 to ${most}`;
  throw errorOf({ status: "INVALID_ARGUMENT", reason: "POST_COUNT_OUT_OF_RANGE", message });
}
