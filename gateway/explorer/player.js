// What happens when a post is played: the browser's own player, hls.js for streams it cannot play itself, or a link.

import { openDialog } from "./dialogs.js";
import { make } from "./elements.js";
import { webLink } from "./pictures.js";
import { titleOf } from "./words.js";

const STREAM = "application/vnd.apple.mpegurl";

/** Put a player in the button's place; with media off, offer the link instead. */
export async function play(button, post, { media }) {
  const link = webLink(post.video_link);
  if (!link) return explain(post, "This post's video URL is neither http nor https, so the page does not open it.", make("code", { textContent: post.video_link || "no video URL" }));
  if (!media) {
    return explain(post, "This page loads nothing from other hosts. Set MOODFEED_GATEWAY_EXPLORER_MEDIA=on to play videos here.",
      make("a", { href: link, target: "_blank", rel: "noopener noreferrer", dir: "ltr", textContent: link }));
  }
  const video = make("video", { controls: true, playsInline: true, "aria-label": titleOf(post) });
  const told = make("p", { className: "video-told", role: "status" });
  const place = make("div", { className: "picture" }, video, told);
  const fail = (words) => { told.textContent = words; };
  video.onerror = () => fail("This video cannot be played: its host does not answer, or the browser cannot read it.");
  button.replaceWith(place);
  if (!isStream(link) || video.canPlayType(STREAM)) video.src = link;
  else await attachStream(video, link, fail);
  video.focus();
  await video.play().catch(() => {}); // the browser may want another click, for which the controls are there
}

const isStream = (link) => new URL(link).pathname.endsWith(".m3u8");

/** hls.js is loaded when the first stream is played that needs it, and by nobody else. */
async function attachStream(video, link, fail) {
  const { default: Hls } = await import("/explorer/hls.light.min.mjs");
  if (!Hls.isSupported()) return fail("This browser cannot play streams.");
  const stream = new Hls({ enableWorker: false }); // the page's policy allows no worker
  stream.on(Hls.Events.ERROR, (_, error) => { if (error.fatal) fail("This stream cannot be played: its host does not answer, or does not send an HLS stream."); });
  stream.loadSource(link);
  stream.attachMedia(video);
}

function explain(post, words, ...more) {
  openDialog(titleOf(post), make("p", { textContent: words }), make("p", {}, ...more));
}
