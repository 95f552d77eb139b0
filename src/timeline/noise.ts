import type { Event } from '../model/event.ts';

/** So often an error has to stand where nothing migrates, to be the host's everyday one. */
const MIN_ELSEWHERE = 3;

/** Tells an error that a host's daemon prints all the time. `elsewhere`: events outside of all migrations. */
export function createNoise(elsewhere: readonly Event[]): (event: Event) => boolean {
  const times = new Map<string, number>();
  for (const event of elsewhere) {
    const key = keyOf(event);
    if (key !== null) times.set(key, (times.get(key) ?? 0) + 1);
  }
  return (event) => (times.get(keyOf(event) ?? '') ?? 0) >= MIN_ELSEWHERE;
}

function keyOf({ body, origin }: Event): string | null {
  return body.kind === 'daemon-message' ? `${origin.file.host} ${body.text}` : null;
}
