import { AppError } from '../lib/errors.ts';
import { remoteError } from './remote-questions.ts';

/** One server-sent event. */
export interface ServerEvent {
  readonly event: string;
  /** What its data says, as JSON. */
  readonly document: unknown;
}

/** An instance says at least `alive` every 15 s: after this it is gone, ms. */
const SILENCE_MS = 45_000;

/**
 * The events of a stream until it ends, for whatever reason: the instance stopped, or does not answer, or `signal` is aborted.
 *
 * @throws AppError where the instance refuses.
 */
export async function* serverEvents(url: string, signal: AbortSignal): AsyncGenerator<ServerEvent> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, silence.signal]) });
    if (!response.ok) throw remoteError(await response.json(), response.status);
    const decoder = new TextDecoder();
    let rest = '';
    for await (const bytes of response.body ?? []) {
      timer.refresh();
      rest += decoder.decode(bytes, { stream: true });
      const blocks = rest.split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) yield eventOf(block);
    }
  } catch (error) {
    // anything else is a connection that broke: who follows looks for the instance again
    if (error instanceof AppError) throw error;
  } finally {
    clearTimeout(timer);
  }
}

function eventOf(block: string): ServerEvent {
  const field = (name: string): string =>
    block
      .split('\n')
      .filter((line) => line.startsWith(`${name}: `))
      .map((line) => line.slice(name.length + 2))
      .join('\n');
  const text = field('data');
  return { event: field('event'), document: text === '' ? null : (JSON.parse(text) as unknown) };
}
