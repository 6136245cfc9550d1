// Bundled by esbuild for a page, which sends the results to the server that it came from.
import { httpClient } from "moodfeed-client";
import { runCases } from "./cases.mjs";

const { world, cases } = await (await fetch("/cases")).json();
let results;
try {
  results = await runCases(cases, world, (gateway, options) => httpClient({ url: gateway.http, ...options }));
} catch (error) {
  results = { failed: String(error?.stack ?? error) };
}
await fetch("/results", { method: "POST", body: JSON.stringify(results) });
