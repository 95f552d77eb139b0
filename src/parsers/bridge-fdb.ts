import type { EventBody } from '../model/event.ts';
import type { Groups, Parser, Rule } from './parser.ts';
import { MAC } from './text.ts';
import { ctimeStamp, isoStamp } from './time.ts';

/** An entry of a forwarding table as `bridge` prints it, or as `ip monitor neigh` does: there without an address in front. */
const ENTRY = new RegExp(
  String.raw`^(?<deleted>Deleted )?(?:(?<mac>${MAC}) dev (?<port>\S+)|dev (?<neighPort>\S+) lladdr (?<neighMac>${MAC}))(?<rest>(?: .*)?)$`,
);

/** The host's own addresses (`permanent`) and a card's filters (`self`) are configured, not learned. */
const CONFIGURED = /\b(?:permanent|self)\b/i;

function changes({ entries = '' }: Groups): readonly EventBody[] | null {
  const events = entries.split('\n').flatMap(changeOf);
  return events.length === 0 ? null : events;
}

function changeOf(entry: string): readonly EventBody[] {
  const found = ENTRY.exec(entry)?.groups;
  if (found === undefined || CONFIGURED.test(found['rest'] ?? '')) return [];
  const mac = found['mac'] ?? found['neighMac'] ?? '';
  const port = found['port'] ?? found['neighPort'] ?? '';
  return [{ kind: 'forwarding-changed', mac, port, deleted: found['deleted'] !== undefined }];
}

const learned = (mac: string, port: string): EventBody => ({ kind: 'forwarding-changed', mac, port, deleted: false });

const rules: readonly Rule[] = [
  {
    name: 'entries-after-timestamp',
    versions: 'iproute2 5.10 on, `bridge -timestamp monitor fdb` and `ip -timestamp monitor neigh`',
    message: /^\n(?<entries>[^]+)$/,
    starts: [],
    event: changes,
    samples: [
      {
        record: 'Timestamp: Mon Nov 23 02:45:32 2026 798603 usec\n52:54:00:4a:b1:c2 dev p2 master br0 \n',
        at: '2026-11-23T02:45:32.798Z',
        events: [learned('52:54:00:4a:b1:c2', 'p2')],
      },
      {
        record: 'Timestamp: Mon Nov 23 21:36:33 2026 649471 usec\nDeleted 1e:00:4d:00:00:02 dev upb master br0 \n',
        at: '2026-11-23T21:36:33.649Z',
        events: [{ kind: 'forwarding-changed', mac: '1e:00:4d:00:00:02', port: 'upb', deleted: true }],
      },
      {
        record: 'Timestamp: Mon Nov 23 02:45:32 2026 798589 usec\ndev p2 lladdr 52:54:00:4a:b1:c2 REACHABLE \n',
        at: '2026-11-23T02:45:32.798Z',
        events: [learned('52:54:00:4a:b1:c2', 'p2')],
      },
      {
        record: 'Timestamp: Mon Nov 23 02:45:30 2026 797744 usec\n10.0.0.5 dev br0 lladdr 52:54:00:4a:b1:c2 STALE \n',
        at: '2026-11-23T02:45:30.797Z',
        events: [],
      },
    ],
  },
  {
    name: 'entry-with-time',
    versions: 'iproute2 5.10 on, with `-tshort`',
    message: /^(?<entries>[^\n]+)/,
    starts: [],
    event: changes,
    samples: [
      {
        record: '[2026-11-23T02:45:32.798487] dev p2 lladdr 52:54:00:4a:b1:c2 REACHABLE \n',
        at: '2026-11-23T02:45:32.798Z',
        events: [learned('52:54:00:4a:b1:c2', 'p2')],
      },
      {
        record: '[2026-11-23T02:45:30.797836] 10.0.0.5 dev br0 lladdr 52:54:00:4a:b1:c2 STALE \n',
        at: '2026-11-23T02:45:30.797Z',
        events: [],
      },
    ],
  },
];

/** What Linux bridges learn and forget. Without time stamps an entry cannot be placed, and is rejected as `no-header`. */
export const bridgeFdb: Parser = {
  source: 'bridge-fdb',
  title: 'Linux bridge: forwarding table changes',
  reference: 'bridge/fdb.c, ip/ipneigh.c and lib/utils.c (print_timestamp) of iproute2',
  paths: /(?:^|[/._-])(?:bridge-(?:fdb|monitor)|ip-monitor-neigh)(?:[._-][^/]*)?$/,
  recognises:
    /^Timestamp: [A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d \d{4}|^\[\d{4}-\d\d-\d\dT[\d:.]+\] (?:Deleted )?\S+ dev \S+ /,
  header: /(?:Timestamp: |\[(?=\d{4}-))(?<time>[^\]\r\n]+)(?:\] |(?=\r?$))/my,
  time: ({ time }) => (time?.startsWith('20') ? isoStamp(time, 'local') : ctimeStamp(time)),
  rules,
};
