import type { Context } from 'hono';
import { streamSSE, type SSEStreamingApi } from 'hono/streaming';
import type { Feed, FeedItem, Interest } from './feed.ts';

/** Items that wait for a slow reader of the feed; what comes then is counted and left out. */
const MAX_WAITING = 1000;
const KEEP_ALIVE_MS = 15_000;

/** What follows a feed. */
export interface Following {
  readonly feed: Feed;
  readonly interest: Interest;
  /** Aborted when the server stops: the follower is let go. */
  readonly closing: AbortSignal;
  /** Told once, when the follower has gone. */
  left(): void;
}

/** Server-sent events, one an item; who reads too slowly is told how many were left out. */
export function follow(context: Context, { feed, interest, closing, left }: Following): Response {
  return streamSSE(context, async (stream) => {
    const waiting: FeedItem[] = [];
    let missed = 0;
    let wake = (): void => {};
    const leave = feed.subscribe(interest, (item) => {
      if (waiting.length < MAX_WAITING) waiting.push(item);
      else missed += 1;
      wake();
    });
    const awake = (): void => wake();
    stream.onAbort(awake);
    closing.addEventListener('abort', awake);
    const gone = (): boolean => stream.aborted || closing.aborted;
    try {
      await send(stream, 'hello', {});
      while (!gone()) {
        const item = waiting.shift();
        if (item !== undefined) await send(stream, item.kind, item);
        else if (missed > 0) {
          await send(stream, 'missed', { items: missed });
          missed = 0;
        } else if (!(await woken((resolve) => (wake = resolve))) && !gone()) await send(stream, 'alive', {});
      }
    } finally {
      leave();
      closing.removeEventListener('abort', awake);
      left();
    }
  });
}

async function send(stream: SSEStreamingApi, event: string, document: unknown): Promise<void> {
  await stream.writeSSE({ event, data: JSON.stringify(document) });
}

/** Whether something woke us before it was time for a sign of life. */
function woken(listen: (wake: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), KEEP_ALIVE_MS);
    listen(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
