import type { SampleRow } from '../../src/store/sample-rows.ts';
import type { MigrationRow } from '../../src/store/timeline-rows.ts';
import type { WeekBounds } from '../../src/timeline/zone.ts';
import { seededRandom } from './seeded-random.ts';
import { attempt, finding, rangesOf, type Month } from './synthetic-month.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Names as an attacker gives them: markup, marks of Markdown and tables, quotes, controls of a terminal, writing turned around. */
const HOSTILE = [
  '<script>alert(1)</script>',
  'a|b`c*d_e[f](http://evil.example)',
  '\'; rm -rf / #"$(reboot)\\',
  '\u001b[31mred\u0007\u202egnp.exe',
  '</td></table><img src=x onerror=alert(2)>\n# heading\n\n```\n',
] as const;

/** A week in which everything that can be named has a hostile name. */
export function hostileMonth(week: WeekBounds): Month {
  const random = seededRandom(1);
  const cluster = HOSTILE[0];
  const moved = HOSTILE.flatMap((name, i) => {
    const other = HOSTILE[(i + 1) % HOSTILE.length] ?? name;
    const row = attempt(random, { cluster, hosts: [name, other], vm: name, startedAt: week.from + (i + 1) * HOUR_MS });
    const failed: MigrationRow = {
      ...row,
      id: `f-${i}`,
      outcome: 'failed',
      cause_kind: 'cpu-incompatible',
      cause_text: `${name} missing features: ${name}`,
      downtime_ms: null,
      downtime_from: '',
    };
    const slow: MigrationRow = {
      ...row,
      id: `c-${i}`,
      started_at: row.started_at + MINUTE_MS,
      outcome: 'completed',
      cause_kind: '',
      cause_text: '',
      downtime_ms: 4000 + i,
      downtime_from: 'statistics',
    };
    return [failed, slow];
  });
  const findings = moved.map((migration, i) => {
    const name = HOSTILE[i % HOSTILE.length] ?? '';
    const told = {
      id: `x-${i}`,
      detector: i % 2 === 0 ? 'storage-heartbeat-spike' : 'host-overheated',
      severity: 'critical',
      summary: `to pool ${name} took 2 s: ${name}`,
      from: migration.started_at,
      host: name,
      remedies: [[name, `echo ${name}`]],
    } as const;
    return finding(cluster, told, i % 3 === 0 ? null : migration);
  });
  const samples: readonly SampleRow[] = HOSTILE.map((name) => ({
    cluster,
    host: name,
    vm: '',
    metric: 'heartbeat.latencyMs',
    subject: name,
    at: week.from + 1,
    value: 2000,
  }));
  const [first, ...others] = HOSTILE;
  const ranges = [
    rangesOf({ week, cluster, host: first }),
    ...others.map((host) => rangesOf({ week: { ...week, from: week.from - 7 * 24 * HOUR_MS, to: week.from }, cluster, host })),
  ].flat();
  const facts = HOSTILE.flatMap((host) => [
    { cluster, host, name: 'cpu.model', value: host, at: week.from },
    { cluster, host, name: 'cpu.flags', value: host, at: week.from },
  ]);
  return { migrations: moved, findings, samples, ranges, facts };
}
