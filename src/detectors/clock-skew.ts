import { z } from 'zod';
import { duration } from '../lib/units.ts';
import type { Event } from '../model/event.ts';
import type { Conclusion, Remedy } from '../model/finding.ts';
import type { HostHistory, Migration } from '../model/timeline.ts';
import { defineDetector } from './detector.ts';
import { begins, booted, completes, type StoryEvent } from './story.ts';
import { evidence } from './words.ts';

const limits = z.strictObject({
  warnMs: z
    .int()
    .min(1)
    .default(2000)
    .describe(
      "difference to the other hosts' clocks, ms, from which it is a warning; below about 1500 ms it cannot be told from the logs",
    ),
  criticalMs: z
    .int()
    .min(1)
    .default(30_000)
    .describe(
      'difference, ms, that is critical: neighbours compare a storage heartbeat of this host with their own clocks, and take it for dead after 60 s',
    ),
});

type Limits = z.infer<typeof limits>;

/** The two lines whose order is certain: the destination starts its QEMU, then the source initiates the migration. */
function pairOf({ events }: Migration): readonly Event[] {
  const started = events.find(({ body }) => body.kind === 'domain-started' && body.incoming);
  const initiated = events.find(({ body }) => body.kind === 'migrate-initiated' && !body.resumed);
  return started === undefined || initiated === undefined || started.origin.file.host === initiated.origin.file.host
    ? []
    : [started, initiated];
}

/** Pairs of this host, those with the reference host first. */
function pairsOf({ migrations, skewAgainst }: HostHistory): readonly Event[] {
  const withReference = (migration: Migration): boolean =>
    migration.source === skewAgainst || migration.destination === skewAgainst;
  return [...migrations.filter(withReference), ...migrations.filter((migration) => !withReference(migration))].flatMap(pairOf);
}

function remediesFor(host: string): readonly Remedy[] {
  return [
    {
      what: `see on ${host} how far its clock is off and by which server it is set; changes nothing`,
      command: 'chronyc tracking\ntimedatectl',
    },
    { what: `set the clock of ${host} right at once (chrony); running guests keep their own time`, command: 'chronyc makestep' },
  ];
}

function conclude(history: HostHistory, skewMs: number, settings: Limits): readonly Conclusion[] {
  const { host, skewAgainst } = history;
  const lines = pairsOf(history).slice(0, 4);
  const [first] = lines;
  if (first === undefined) return [];
  const by = duration(Math.abs(skewMs));
  const [side, sign] = skewMs > 0 ? ['ahead of', 'minus'] : ['behind', 'plus'];
  const order = `Everything here is ordered by corrected time (times of ${host} ${sign} ${by})`;
  return [
    {
      summary: `The clock of ${host} is about ${by} ${side} that of ${skewAgainst ?? 'the other host'}. ${order}; libvirt's own figures "w/o network", which compare both clocks, are wrong by as much.`,
      severity: Math.abs(skewMs) >= settings.criticalMs ? 'critical' : 'warning',
      confidence: 'follows',
      from: first.at,
      to: null,
      evidence: evidence(lines),
      remedies: remediesFor(host),
      discriminator: '',
    },
  ];
}

function shifted(seconds: number, events: readonly StoryEvent[]): readonly StoryEvent[] {
  return events.map((event) => (event.host === 'kvm-b' ? { ...event, seconds: event.seconds + seconds } : event));
}

const moved = [...booted(), ...begins(), ...completes(10, 60)];

/** A host's clock differs from the other hosts', as the two halves of its migrations show. */
export const clockSkew = defineDetector({
  id: 'clock-skew',
  title: 'Clocks of the hosts differ',
  severity: 'warning',
  subject: 'host',
  limits,
  detect(history, settings) {
    const { host, skewMs, skewAgainst } = history;
    if (skewMs === null || skewAgainst === null || skewAgainst === host || Math.abs(skewMs) < settings.warnMs) return [];
    return conclude(history, skewMs, settings);
  },
  fires: [
    {
      name: 'the destination starts its QEMU 12 s after the source says that it uses it',
      events: shifted(12, moved),
      finds:
        /^The clock of kvm-b is about 12\.1 s ahead of that of kvm-a\. Everything here is ordered by corrected time \(times of kvm-b minus 12\.1 s\)/,
      severity: 'warning',
    },
    {
      name: 'a clock that is 95 s behind',
      events: shifted(-95, moved),
      finds: /kvm-b is about 1 min 35 s behind that of kvm-a\./,
      severity: 'critical',
    },
  ],
  silent: [
    { name: 'clocks that agree', events: moved },
    { name: 'a destination that takes 4 s to prepare', events: shifted(-4, moved) },
    { name: 'a migration of which only one side is known', events: shifted(12, moved).filter(({ host }) => host !== 'kvm-b') },
  ],
});
