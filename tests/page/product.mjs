// The product for a test: three processes or one, on free ports, with a store of its own, stopped at the end.

import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const PYTHON = join(ROOT, ".venv/bin/python");
const BUNDLES = resolve(ROOT, process.env.MOODFEED_PAGE_BUNDLES ?? "data/page/bundles");
const START_SECONDS = 90, STOP_SECONDS = 20;

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1)); // so that no process outlives the test

export const LAYOUTS = { three: ["post_index_service", "user_tower_service", "gateway"], one: ["embedded"] };

/** Start it; `settings` are more variables of the environment. */
export async function startProduct({ layout = "three", bundles = BUNDLES, settings = {} } = {}) {
  const directory = mkdtempSync(join(tmpdir(), "moodfeed-page-"));
  const [grpc, http, tower, index] = await freePorts(4);
  const address = (port) => `127.0.0.1:${port}`;
  const environment = {
    ...process.env,
    MOODFEED_BUNDLES: bundles,
    MOODFEED_STORE_URL: `sqlite:///${join(directory, "store.sqlite")}`,
    MOODFEED_GATEWAY_ADMIN_FROM_THIS_MACHINE: "true",
    MOODFEED_GATEWAY_GRPC_ADDRESS: address(grpc),
    MOODFEED_GATEWAY_HTTP_ADDRESS: address(http),
    MOODFEED_USER_TOWER_ADDRESS: address(tower),
    MOODFEED_POST_INDEX_ADDRESS: address(index),
    MOODFEED_GATEWAY_USER_TOWER_ADDRESS: address(tower),
    MOODFEED_GATEWAY_POST_INDEX_ADDRESS: address(index),
    MOODFEED_USER_TOWER_METRICS_PORT: "0",
    MOODFEED_POST_INDEX_METRICS_PORT: "0",
    OMP_NUM_THREADS: "1",
    HF_HUB_OFFLINE: "1",
    ...settings,
  };
  const processes = new Map();
  const start = (name) => {
    const log = openSync(join(directory, `${name}.log`), "a");
    processes.set(name, spawn(PYTHON, ["-m", name], { cwd: ROOT, env: environment, stdio: ["ignore", log, log] }));
    closeSync(log);
  };
  const killAll = () => { for (const process of processes.values()) process.kill("SIGKILL"); };
  process.once("exit", killAll);
  const product = {
    url: `http://${address(http)}`,
    async end(name) {
      const child = processes.get(name);
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await new Promise((done) => { child.once("exit", done); });
    },
    start,
    async stop() {
      const ends = [...processes.values()].filter((child) => child.exitCode === null && child.signalCode === null)
        .map((child) => new Promise((done) => { child.once("exit", done); child.kill("SIGTERM"); }));
      const impatience = setTimeout(killAll, STOP_SECONDS * 1000);
      await Promise.all(ends);
      clearTimeout(impatience);
      process.off("exit", killAll);
      rmSync(directory, { recursive: true, force: true });
    },
    async ask(path, options) { return (await fetch(product.url + path, options)).json(); },
  };
  LAYOUTS[layout].forEach(start);
  await ready(product, processes, directory);
  return product;
}

async function ready(product, processes, directory) {
  for (const deadline = Date.now() + START_SECONDS * 1000; Date.now() < deadline; await new Promise((done) => { setTimeout(done, 100); })) {
    for (const [name, child] of processes) {
      if (child.exitCode !== null) throw new Error(`${name} ended:\n${readFileSync(join(directory, `${name}.log`), "utf8")}`);
    }
    const state = await product.ask("/readyz").catch(() => undefined);
    if (state?.status === "ready" && !state.degraded.length) return;
  }
  await product.stop();
  throw new Error(`the product is not ready after ${START_SECONDS} s`);
}

async function freePorts(count) {
  const servers = await Promise.all(Array.from({ length: count }, () => new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => done(server));
  })));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((done) => { server.close(done); })));
  return ports;
}

/** Somebody with a history. */
export async function somebody(product) {
  const { usernames } = await product.ask("/explorer/people");
  return usernames[0];
}
