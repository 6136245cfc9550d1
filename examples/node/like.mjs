// Record over gRPC that a person likes a post, then print their next feed: npm ci, then node like.mjs USERNAME POST_ID
// MOODFEED_GATEWAY is the gateway's gRPC address; MOODFEED_API_TOKEN is a token with the scopes feeds and feedback, if
// the gateway needs one.
// This is bare gRPC; in a project of your own use the client of clients/typescript (docs/clients.md).
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const protos = fileURLToPath(new URL("../../protos", import.meta.url));
const options = { includeDirs: [protos], keepCase: true, longs: String, enums: String, defaults: true };
const files = ["moodfeed/feed/v1/feed.proto", "moodfeed/feedback/v1/feedback.proto"];
const { feed, feedback } = grpc.loadPackageDefinition(loadSync(files, options)).moodfeed;

// gRPC makes these retries by itself. When the gateway sends a push-back, gRPC waits exactly that long.
const retryPolicy = {
  maxAttempts: 5,
  initialBackoff: "0.1s",
  maxBackoff: "2s",
  backoffMultiplier: 2,
  retryableStatusCodes: ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
};
const serviceConfig = { methodConfig: [{ name: [{}], retryPolicy }] };

const metadata = new grpc.Metadata();
if (process.env.MOODFEED_API_TOKEN) {
  metadata.set("authorization", `Bearer ${process.env.MOODFEED_API_TOKEN}`);
}
const address = process.env.MOODFEED_GATEWAY ?? "127.0.0.1:50050";
const channel = { "grpc.service_config": JSON.stringify(serviceConfig) };
const feeds = new feed.v1.FeedService(address, grpc.credentials.createInsecure(), channel);
const recorder = new feedback.v1.FeedbackService(address, grpc.credentials.createInsecure(), channel);
const getFeed = promisify(feeds.GetFeed.bind(feeds));
const record = promisify(recorder.RecordInteractions.bind(recorder));

const [username, postId] = process.argv.slice(2);
// An id of our own makes a repetition safe: the event is recorded once, however often it is sent.
const like = { event_id: randomUUID(), username, post_id: postId, verb: "VERB_LIKE" };
try {
  const recorded = await record({ interactions: [like] }, metadata, { deadline: Date.now() + 10_000 });
  const [{ result, reason }] = recorded.results;
  if (result === "RECORD_RESULT_REJECTED") throw Object.assign(new Error(), { code: 3, details: reason });
  console.log(result.replace("RECORD_RESULT_", ""));
  const request = { username, at_least_position: recorded.position };
  const page = await getFeed(request, metadata, { deadline: Date.now() + 10_000 });
  for (const post of page.posts) console.log(post.post_id);
} catch (error) {
  if (error.details === undefined) throw error; // not from gRPC
  console.error(`${grpc.status[error.code]}: ${error.details}`);
  process.exitCode = 1;
}
feeds.close();
recorder.close();
