import type { FeedPost } from "./contract/moodfeed/feed/v1/feed_pb.js";
import { PageTokenError } from "./errors.js";

/** A response that is a page. */
export interface Page {
  posts: FeedPost[];
  nextPageToken: string;
}

const MOST_RESTARTS = 3;

/**
 * The pages of a feed, asked for one by one as they are needed.
 *
 * A page token lives for 15 minutes, and dies earlier if its bundle goes. With `restart` the pages then begin again:
 * `restarts` says so, and the posts that were given before are left out. Otherwise PageTokenError is thrown.
 */
export class Pages<P extends Page> implements AsyncIterableIterator<P> {
  /** The token of the next page: give it as pageToken to resume here, also in another process. */
  nextPageToken: string;
  /** How often the token had died and the pages began again. */
  restarts = 0;
  readonly #ask: (pageToken: string) => Promise<P>;
  readonly #restart: boolean;
  readonly #given = new Set<bigint>();
  #isDone = false;

  constructor(ask: (pageToken: string) => Promise<P>, { pageToken = "", restart = false } = {}) {
    this.#ask = ask;
    this.#restart = restart;
    this.nextPageToken = pageToken;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next page; after an error the same page can be asked for again. */
  async next(): Promise<IteratorResult<P, undefined>> {
    while (!this.#isDone) {
      let page: P;
      try {
        page = await this.#ask(this.nextPageToken);
      } catch (error) {
        this.#beginAgain(error);
        continue;
      }
      const fresh = page.posts.filter((post) => !this.#given.has(post.postId));
      const hadOthers = fresh.length < page.posts.length;
      page.posts = fresh;
      for (const post of fresh) this.#given.add(post.postId);
      this.nextPageToken = page.nextPageToken;
      this.#isDone = page.nextPageToken === "";
      if (fresh.length > 0 || !hadOthers) return { value: page, done: false };
    }
    return { value: undefined, done: true };
  }

  /** The posts of all pages from here on. */
  async *posts(): AsyncGenerator<FeedPost, void, undefined> {
    for await (const page of this) yield* page.posts;
  }

  #beginAgain(error: unknown): void {
    const mayHelp = error instanceof PageTokenError && this.nextPageToken !== "" && this.restarts < MOST_RESTARTS;
    if (!this.#restart || !mayHelp) throw error;
    this.restarts += 1;
    this.nextPageToken = "";
  }
}
