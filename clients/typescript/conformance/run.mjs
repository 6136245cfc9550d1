// node run.mjs grpc|http WORLD CASES OUTPUT
import { readFileSync, writeFileSync } from "node:fs";
import { grpcClient, httpClient } from "moodfeed-client/node";
import { runCases } from "./cases.mjs";

const [kind, world, cases, output] = process.argv.slice(2);
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const open = (gateway, options) =>
  kind === "grpc"
    ? grpcClient({ address: gateway.grpc, tls: gateway.tls, ...options })
    : httpClient({ url: gateway.http, ...options });
writeFileSync(output, JSON.stringify(await runCases(read(cases), read(world), open)));
