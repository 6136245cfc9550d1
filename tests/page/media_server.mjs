// Another host, on this machine: it serves a picture, a video and a stream, and notes what it is asked for.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const TYPES = { png: "image/png", mp4: "video/mp4", m3u8: "application/vnd.apple.mpegurl", ts: "video/mp2t" };

export async function startMediaServer() {
  const asked = [];
  const server = createServer((request, response) => {
    const name = new URL(request.url, "http://media").pathname.slice(1);
    asked.push({ name, referrer: request.headers.referer });
    const type = TYPES[name.split(".").pop()];
    let content;
    try {
      content = type && /^[\w-]+\.\w+$/.test(name) && readFileSync(join(import.meta.dirname, "media", name));
    } catch {
      content = undefined;
    }
    if (!content) return response.writeHead(404).end();
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const headers = { "content-type": type, "access-control-allow-origin": "*", "accept-ranges": "bytes" };
    if (!range) return response.writeHead(200, { ...headers, "content-length": content.length }).end(content);
    const from = Number(range[1]), to = Math.min(Number(range[2] || content.length - 1), content.length - 1);
    return response.writeHead(206, { ...headers, "content-range": `bytes ${from}-${to}/${content.length}`, "content-length": to - from + 1 }).end(content.subarray(from, to + 1));
  });
  await new Promise((done) => { server.listen(0, "127.0.0.1", done); });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    asked,
    stop: () => new Promise((done) => { server.closeAllConnections(); server.close(done); }),
  };
}
