import { createAlertBook, type AlertBook, type StepInputs } from '../src/alerts/book.ts';
import { alertSettings } from '../src/alerts/settings.ts';
import { isoTime } from '../src/lib/units.ts';
import type { FindingMessage } from '../src/reports/finding-message.ts';
import { attemptOf } from '../test/alerts/attempt.ts';

/** What a step of the alerts takes 99 of 100 times, in ms of CPU of all threads: other work of the machine does not show. */
export interface AlertCost {
  /** Alerts that are open meanwhile. */
  readonly open: number;
  /** With one changed finding. */
  readonly oneMs: number;
  /** With a hundred, half of them of new VMs. */
  readonly hundredMs: number;
  /** When nothing came, but time passed. */
  readonly tickMs: number;
}

const START = Date.UTC(2026, 10, 20);
const STEPS = 200;
const STEP_MS = 1000;
const DETECTORS = ['migration-failed', 'cpu-incompatible', 'missing-garp', 'not-converging', 'downtime-exceeded'] as const;

/** A cluster in which everything fails, with silences and a host in maintenance: a book of so many open alerts, and steps with it. */
export function measureAlerts(open: number): AlertCost {
  const book = createAlertBook('c1', { alerts: [], actions: [] }, alertSettings.parse({}));
  let now = START;
  const inputs = (changes: readonly FindingMessage[]): StepInputs => ({
    now,
    changes,
    actions: [],
    moved: MOVED,
    maintenance: WINDOWS,
  });
  book.step({ ...inputs(Array.from({ length: open }, (_, i) => failure(i, now))), actions: SILENCES });
  let next = open;
  const timed = (changes: () => readonly FindingMessage[]): number => {
    const took = Array.from({ length: STEPS }, () => {
      now += STEP_MS;
      const coming = inputs(changes());
      const began = process.cpuUsage();
      book.step(coming);
      const { user, system } = process.cpuUsage(began);
      return (user + system) / 1000;
    });
    return took.toSorted((a, b) => a - b)[Math.floor(STEPS * 0.99)] ?? Number.NaN;
  };
  // a running instance is warm
  timed(() => [failure(next % open, now)]);
  const oneMs = timed(() => [failure(next % open, now)]);
  const tickMs = timed(() => []);
  const hundredMs = timed(() =>
    Array.from({ length: 100 }, (_, i) => {
      next += i % 2;
      return failure(i % 2 === 0 ? (next * 7) % open : next, now);
    }),
  );
  if (openIn(book) < open) throw new Error('alerts ended while they were measured');
  return { open, oneMs, hundredMs, tickMs };
}

function openIn({ alerts }: AlertBook): number {
  return [...alerts].filter(({ state }) => state !== 'resolved').length;
}

/** Migrations that completed, of VMs that have no alert. */
const MOVED: ReadonlyMap<string, number> = new Map(Array.from({ length: 10_000 }, (_, i) => [`i-9-${i}-VM`, START]));

const SILENCES: StepInputs['actions'] = Array.from({ length: 10 }, (_, i) => ({
  kind: 'silence',
  id: `s${i}`,
  by: 'bench',
  at: START,
  comment: '',
  matchers: [
    { field: 'detector', is: '=', value: DETECTORS[i % DETECTORS.length] ?? '' },
    { field: 'vm', is: '=~', value: `i-${i}-1.*` },
  ],
  from: START,
  until: START + 86_400_000,
}));

const WINDOWS: StepInputs['maintenance'] = [
  { id: 'm', cluster: 'c1', host: 'kvm-3', from: START, until: Number.POSITIVE_INFINITY, comment: '' },
];

/** A migration of a VM of its own that fails: two findings in three alerts are of one migration, as in a real cluster. */
function failure(number: number, at: number): FindingMessage {
  const detector = DETECTORS[number % DETECTORS.length] ?? 'migration-failed';
  const vm = `i-${number % 17}-${Math.floor(number / 2)}-VM`;
  const [source, destination] = [`kvm-${number % 50}`, `kvm-${(number * 7 + 1) % 50}`];
  const time = isoTime(at);
  const line = { host: source, source: 'cloudstack-agent', path: 'agent.log', line: 1, at: time, text: 'x'.repeat(200) } as const;
  return {
    schema: 'precopy/finding@1',
    change: 'found',
    id: `${detector} ${number} ${at}`,
    cluster: 'c1',
    at: time,
    finding: {
      id: `${detector} ${number} ${at}`,
      detector,
      severity: number % 3 === 0 ? 'critical' : 'warning',
      confidence: 'seen',
      migration: `${vm} ${at}`,
      vm,
      host: destination,
      from: time,
      to: null,
      summary: `Migration of ${vm} from ${source} to ${destination} failed.`,
      evidence: [line, line, line],
      remedies: [],
    },
    migration: attemptOf({
      id: `${vm} ${at}`,
      vm,
      source,
      destination,
      startedAt: time,
      endedAt: time,
      outcome: 'failed',
      cause: 'timed-out',
    }),
    quotes: [line.text],
  };
}
