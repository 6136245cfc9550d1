// Print a whole feed over gRPC, page by page: npm ci, then node feed.mjs USERNAME [MOOD]
// MOODFEED_GATEWAY is the gateway's gRPC address; MOODFEED_API_TOKEN is the token, if the gateway needs one.
// This is bare gRPC; in a project of your own use the client of clients/typescript (docs/clients.md).
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const protos = fileURLToPath(new URL("../../protos", import.meta.url));
const options = { includeDirs: [protos], keepCase: true, longs: String, defaults: true };
const definition = loadSync("moodfeed/feed/v1/feed.proto", options);
const { FeedService } = grpc.loadPackageDefinition(definition).moodfeed.feed.v1;

// gRPC makes these retries by itself. When the gateway sends a push-back, gRPC waits exactly that long.
const serviceConfig = {
  methodConfig: [
    {
      name: [{ service: "moodfeed.feed.v1.FeedService" }],
      retryPolicy: {
        maxAttempts: 5,
        initialBackoff: "0.1s",
        maxBackoff: "2s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
      },
    },
  ],
};

const metadata = new grpc.Metadata();
if (process.env.MOODFEED_API_TOKEN) {
  metadata.set("authorization", `Bearer ${process.env.MOODFEED_API_TOKEN}`);
}
const client = new FeedService(
  process.env.MOODFEED_GATEWAY ?? "127.0.0.1:50050",
  grpc.credentials.createInsecure(),
  { "grpc.service_config": JSON.stringify(serviceConfig) },
);
const getFeed = promisify(client.GetFeed.bind(client));

const [username, ...mood] = process.argv.slice(2);
const request = { username, mood: mood.join(" "), page_size: 20, page_token: "" };
try {
  do {
    const page = await getFeed(request, metadata, { deadline: Date.now() + 10_000 });
    for (const post of page.posts) {
      console.log([post.external_id || post.post_id, post.ranking_score.toFixed(3), post.title.replaceAll("\n", " ")].join("\t"));
    }
    request.page_token = page.next_page_token;
  } while (request.page_token);
} catch (error) {
  if (error.details === undefined) throw error; // not from gRPC
  console.error(`${grpc.status[error.code]}: ${error.details}`);
  process.exitCode = 1;
}
client.close();
