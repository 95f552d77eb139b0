import { plural } from '../lib/units.ts';
import type { CollectorContext } from './collector.ts';
import { MAX_MESSAGE_BYTES } from './syslog-frames.ts';
import { MAX_HOSTS } from './syslog-hosts.ts';
import { MAX_CONNECTIONS } from './syslog-listen.ts';

/** What can go wrong with messages: the stream refuses them, too many hosts, too long, no room, too many connections, the socket fails. */
export type Trouble = 'refused' | 'hosts' | 'cut' | 'no-room' | 'connections' | 'socket';

const TROUBLES: Readonly<Record<Trouble, (count: number, detail: string) => string>> = {
  refused: (count, detail) => `${plural(count, 'message')} could not be stored: ${detail}`,
  hosts: (count, detail) =>
    `${plural(count, 'message')} came from hosts beyond the first ${MAX_HOSTS}, and are stored as of ${detail}; who may send is for the firewall to say`,
  cut: (count, detail) => `${plural(count, 'message')} longer than ${MAX_MESSAGE_BYTES} bytes were cut, the last of ${detail}`,
  'no-room': (count, detail) =>
    `${plural(count, 'datagram')} were lost, for the stream is slower than they come; the last of ${detail}`,
  connections: (count) => `${plural(count, 'connection')} beyond the first ${MAX_CONNECTIONS} were refused`,
  socket: (_count, detail) => `the socket fails: ${detail}`,
};

/** How often what goes wrong is told again while it does, and after how long without it all is well. */
const TELL_EVERY_MS = 60_000;

/** Tells what goes wrong, with how often it did. */
export interface Troubles {
  tell(trouble: Trouble, count: number, detail: string): void;
  running(): void;
  stop(): void;
}

/** Counts what goes wrong, and reports each kind at once and then once a minute at most. */
export function createTroubles({ report, now }: Pick<CollectorContext, 'report' | 'now'>): Troubles {
  const counts = new Map<Trouble, number>();
  const toldAt = new Map<Trouble, number>();
  let well: NodeJS.Timeout | null = null;

  function running(): void {
    report({ collector: 'syslog', state: 'running', problem: null });
  }

  return {
    running,
    tell(trouble, count, detail) {
      const total = (counts.get(trouble) ?? 0) + count;
      counts.set(trouble, total);
      if (now() - (toldAt.get(trouble) ?? Number.NEGATIVE_INFINITY) < TELL_EVERY_MS) return;
      toldAt.set(trouble, now());
      report({ collector: 'syslog', state: 'failing', problem: TROUBLES[trouble](total, detail) });
      if (well !== null) clearTimeout(well);
      well = setTimeout(running, 2 * TELL_EVERY_MS).unref();
    },
    stop() {
      if (well !== null) clearTimeout(well);
      report({ collector: 'syslog', state: 'stopped', problem: null });
    },
  };
}
