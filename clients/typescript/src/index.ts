/** A client of Moodfeed over HTTP, for browsers and for Node; `moodfeed-client/node` adds gRPC. */

import { type ClientOptions, MoodfeedClient } from "./client.js";
import { type HttpOptions, HttpTransport } from "./http_transport.js";

export { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
export * from "./client.js";
export { CONTRACT_DIGEST } from "./contract/digest.js";
export type { KeptPost, Post, PostResult, UpsertPostsResponse } from "./contract/moodfeed/catalog/v1/catalog_pb.js";
export { PostState, UpsertResult } from "./contract/moodfeed/catalog/v1/catalog_pb.js";
export type {
  Category,
  Degradation,
  Explanation,
  FeedPost,
  FeedResult,
  GetFeedResponse,
  GetSimilarPostsResponse,
  ListTrendingResponse,
} from "./contract/moodfeed/feed/v1/feed_pb.js";
export { Fallback, Ranking, Reason, Seen } from "./contract/moodfeed/feed/v1/feed_pb.js";
export type {
  ExportPersonResponse,
  Interaction,
  InteractionResult,
  RecordInteractionsResponse,
} from "./contract/moodfeed/feedback/v1/feedback_pb.js";
export { RecordResult, Verb } from "./contract/moodfeed/feedback/v1/feedback_pb.js";
export type { Rule } from "./contract/moodfeed/rules/v1/rules_pb.js";
export { RuleAction } from "./contract/moodfeed/rules/v1/rules_pb.js";
export * from "./errors.js";
export { type HttpOptions, HttpTransport } from "./http_transport.js";
export * from "./pages.js";
export * from "./retries.js";
export type { Attempt, Token, Transport } from "./transport.js";
export * from "./version.js";

/** A client over HTTP/JSON; without a `url`, of the origin that the page came from. */
export function httpClient(options: HttpOptions & ClientOptions = {}): MoodfeedClient {
  return new MoodfeedClient(new HttpTransport(options), options);
}
