import { DEAD_LETTERS_TOPIC, RECORDS_TOPIC, type PlacedMessage, type Stream, type StreamMessage } from '../stream/stream.ts';
import { decodeChunk } from './chunk-message.ts';

/** What became of the dead letters. */
export interface Replayed {
  /** Messages that were put back, or could be. */
  readonly readable: number;
  /** Messages that still cannot be read, by the reason. */
  readonly unreadable: ReadonlyMap<string, number>;
}

/** Sends dead letters that can be read by now to the records again; they also stay where they are. @throws AppError */
export async function replayDead(stream: Stream, { dryRun }: { readonly dryRun: boolean }): Promise<Replayed> {
  const producer = dryRun ? null : await stream.producer();
  const unreadable = new Map<string, number>();
  let readable = 0;
  try {
    await stream.scan(DEAD_LETTERS_TOPIC, async ({ messages }) => {
      const revived: StreamMessage[] = [];
      for (const message of messages.map(withoutReason)) {
        const chunk = decodeChunk(message);
        if ('problem' in chunk) unreadable.set(chunk.problem, 1 + (unreadable.get(chunk.problem) ?? 0));
        else revived.push(message);
      }
      readable += revived.length;
      if (revived.length > 0) await producer?.send(RECORDS_TOPIC, revived);
    });
  } finally {
    await producer?.close();
  }
  return { readable, unreadable };
}

/** As the message was before it was put aside. */
function withoutReason({ key, value, headers: { reason: _, ...headers } }: PlacedMessage): StreamMessage {
  return { key, value, headers };
}
