import { groupBy } from '../lib/group.ts';
import { z } from 'zod';
import { clockTime, duration, listed, plural } from '../lib/units.ts';
import type { CpuThrottled, Event, EventBody, Temperature } from '../model/event.ts';
import type { Conclusion, Remedy } from '../model/finding.ts';
import type { HostHistory, Migration } from '../model/timeline.ts';
import { ofKind } from '../timeline/of-kind.ts';
import { defineDetector } from './detector.ts';
import { during, whileMigrating } from './overlap.ts';
import { at, begins, booted, completes, type StoryEvent } from './story.ts';
import { evidence } from './words.ts';

const limits = z.strictObject({
  nearMs: z
    .int()
    .min(0)
    .default(300_000)
    .describe('heat this long before or after a migration, ms, has to do with it; without one it is advice'),
});

/** CPUs named in the sentence; the rest are counted. */
const NAMED = 3;

/** Heat of one sensor or of the CPUs, and the migrations near it. */
interface Heat<B extends EventBody> {
  readonly host: string;
  /** Near a migration where there are such, in the order of time. */
  readonly events: readonly Event<B>[];
  readonly near: readonly Migration[];
}

function heatOf<B extends EventBody>({ host, migrations }: HostHistory, events: readonly Event<B>[], nearMs: number): Heat<B> {
  const migrating = during(migrations);
  const isNear = (event: Event<B>): boolean => migrating({ from: event.at, to: event.at }, nearMs).length > 0;
  const near = events.filter(isNear);
  const chosen = near.length > 0 ? near : events;
  return { host, events: chosen, near: migrating(stretchOf(chosen), near.length > 0 ? nearMs : 0) };
}

function stretchOf(events: readonly Event[]): { readonly from: number; readonly to: number } {
  return { from: events[0]?.at ?? 0, to: events.at(-1)?.at ?? 0 };
}

/** `, while … was being migrated to kvm-b`, or how near the migrations were. */
function tie({ host, events, near }: Heat<EventBody>, nearMs: number): string {
  const meanwhile = during(near)(stretchOf(events));
  if (meanwhile.length > 0) return whileMigrating(host, meanwhile);
  const vms = [...new Set(near.map(({ vm }) => vm))];
  return near.length === 0 ? '' : `, within ${duration(nearMs)} of the migration of ${listed(vms)}`;
}

function when(events: readonly Event[]): string {
  const { from, to } = stretchOf(events);
  const [first, last] = [clockTime(from), clockTime(to)];
  // all CPUs of a package throttle at once, and the same line may come by the journal and by syslog
  return first === last ? `at ${first} UTC` : `from ${first} to ${last} UTC`;
}

function isCritical({ celsius, critCelsius }: Temperature): boolean {
  return critCelsius !== null && celsius >= critCelsius;
}

/** Over a limit of its own chip, or with the chip's alarm; a chip without limits says nothing. */
function isHot({ body }: Event<Temperature>): boolean {
  return isCritical(body) || body.alarm || (body.highCelsius !== null && body.celsius >= body.highCelsius);
}

function worstOf(events: readonly Event<Temperature>[]): Event<Temperature> | undefined {
  return events.toSorted(
    (a, b) => Number(isCritical(b.body)) - Number(isCritical(a.body)) || b.body.celsius - a.body.celsius || a.at - b.at,
  )[0];
}

function limitOf(body: Temperature): string {
  const { celsius, highCelsius, critCelsius } = body;
  if (isCritical(body)) return `, its critical limit is ${critCelsius} °C`;
  return highCelsius !== null && celsius >= highCelsius ? `, its high limit is ${highCelsius} °C` : ', and raises its own alarm';
}

function concludeSensor(heat: Heat<Temperature>, samples: number, nearMs: number): readonly Conclusion[] {
  const worst = worstOf(heat.events);
  if (worst === undefined) return [];
  const { chip, sensor, celsius } = worst.body;
  const often = `${heat.events.length} of ${plural(samples, 'sample')}`;
  return [
    {
      summary: `${sensor} (${chip}) of ${heat.host} reached ${celsius} °C${limitOf(worst.body)}: ${often}, ${when(heat.events)}${tie(heat, nearMs)}.`,
      severity: heat.near.length === 0 ? 'info' : isCritical(worst.body) ? 'critical' : 'warning',
      confidence: 'seen',
      ...stretchOf(heat.events),
      evidence: evidence([worst], heat.events.slice(0, 1), heat.events.slice(-1)),
      remedies: remediesFor(heat.host, chip),
      discriminator: `${chip} ${sensor}`,
    },
  ];
}

/** How often the CPUs were throttled between their first and last line; the counters run since boot. */
function throttleEvents(events: readonly Event<CpuThrottled>[]): number {
  return [...groupBy(events, ({ body }) => body.cpu).values()].reduce(
    (sum, own) => sum + Math.max(0, (own.at(-1)?.body.totalEvents ?? 0) - (own[0]?.body.totalEvents ?? 0)),
    0,
  );
}

function concludeThrottled(heat: Heat<CpuThrottled>, nearMs: number): readonly Conclusion[] {
  const { host, events, near } = heat;
  if (events.length === 0) return [];
  const cpus = [...new Set(events.map(({ body }) => body.cpu))].toSorted((a, b) => a - b);
  const names = cpus.length > NAMED ? plural(cpus.length, 'CPU') : listed(cpus.map((cpu) => `CPU${cpu}`));
  const jump = throttleEvents(events);
  const total = events.reduce((max, { body }) => Math.max(max, body.totalEvents), 0);
  const count = jump > 0 ? `${plural(jump, 'time')} more` : `${plural(total, 'time')} since boot`;
  return [
    {
      summary: `The kernel of ${host} throttled ${names} for heat ${when(events)} (${count})${tie(heat, nearMs)}. Guests and the copying of their memory run slower then.`,
      severity: near.length === 0 ? 'info' : 'warning',
      confidence: 'seen',
      ...stretchOf(events),
      evidence: evidence(events.slice(-1), events.slice(0, 4)),
      remedies: remediesFor(host, null),
      discriminator: 'cpu-throttled',
    },
  ];
}

function remediesFor(host: string, chip: string | null): readonly Remedy[] {
  return [
    { what: `see the temperatures of ${host} now; touches no guest`, command: chip === null ? 'sensors' : `sensors ${chip}` },
    {
      what: `see how often its CPUs were throttled since boot; touches no guest`,
      command: 'grep . /sys/devices/system/cpu/cpu*/thermal_throttle/*_throttle_count',
    },
    { what: `see whether its fans turn (through the BMC); touches no guest`, command: 'ipmitool sdr type Fan' },
    { what: `start no further migrations from or to ${host} until it is cooler: each one loads its CPUs more`, command: null },
  ];
}

function sensorsOf({ events }: HostHistory): readonly (readonly Event<Temperature>[])[] {
  return [...groupBy(ofKind(events, 'temperature'), ({ body }) => `${body.chip} ${body.sensor}`).values()];
}

/** A temperature of kvm-a's CPU package. */
function temperature(seconds: number, celsius: number, of: Partial<Temperature> = {}): StoryEvent {
  return at(seconds, 'kvm-a', 'sensors', {
    kind: 'temperature',
    chip: 'coretemp-isa-0000',
    sensor: 'Package id 0',
    celsius,
    highCelsius: 84,
    critCelsius: 100,
    alarm: false,
    ...of,
  });
}

function throttled(seconds: number, cpu: number, totalEvents: number): StoryEvent {
  return at(seconds, 'kvm-a', 'journal', { kind: 'cpu-throttled', cpu, totalEvents });
}

const moved = [...booted(), ...begins(), ...completes(30, 60)];

/** A host is hotter than its own chips allow, or its kernel throttles CPUs for heat, around a migration. */
export const hostOverheated = defineDetector({
  id: 'host-overheated',
  title: 'Host overheats',
  severity: 'warning',
  subject: 'host',
  limits,
  detect(history, { nearMs }) {
    const hot = sensorsOf(history).flatMap((samples) =>
      concludeSensor(heatOf(history, samples.filter(isHot), nearMs), samples.length, nearMs),
    );
    return [...hot, ...concludeThrottled(heatOf(history, ofKind(history.events, 'cpu-throttled'), nearMs), nearMs)];
  },
  fires: [
    {
      name: 'over the high limit during a migration: one conclusion, with the worst value',
      events: [...moved, temperature(0, 70), temperature(10, 86), temperature(20, 91), temperature(40, 80)],
      finds:
        /^Package id 0 \(coretemp-isa-0000\) of kvm-a reached 91 °C, its high limit is 84 °C: 2 of 4 samples, from 00:00:10 to 00:00:20 UTC, while i-2-10-VM was being migrated to kvm-b\.$/,
      severity: 'warning',
    },
    {
      name: 'over the critical limit',
      events: [...moved, temperature(10, 101)],
      finds: /reached 101 °C, its critical limit is 100 °C: 1 of 1 sample, at 00:00:10 UTC/,
      severity: 'critical',
    },
    {
      name: "the chip's own alarm",
      events: [...moved, temperature(100, 70, { alarm: true })],
      finds: /reached 70 °C, and raises its own alarm: .*, within 5 min of the migration of i-2-10-VM\.$/,
      severity: 'warning',
    },
    {
      name: 'the kernel throttles CPUs during a migration',
      events: [...moved, throttled(5, 3, 1874), throttled(5, 12, 40), throttled(25, 3, 2100)],
      finds:
        /^The kernel of kvm-a throttled CPU3 and CPU12 for heat from 00:00:05 to 00:00:25 UTC \(226 times more\), while i-2-10-VM/,
      severity: 'warning',
    },
    {
      name: 'one line of the kernel that came by the journal and by syslog',
      events: [...moved, throttled(5, 3, 1874), throttled(5.4, 3, 1874)],
      finds: /throttled CPU3 for heat at 00:00:05 UTC \(1,?874 times since boot\), while/,
      severity: 'warning',
    },
    {
      name: 'heat long after the migration is advice',
      events: [...moved, temperature(4000, 101)],
      finds: /reached 101 °C/,
      severity: 'info',
    },
  ],
  silent: [
    { name: 'hot, but a chip without limits', events: [...moved, temperature(10, 99, { highCelsius: null, critCelsius: null })] },
    { name: 'one degree below its limit', events: [...moved, temperature(10, 83)] },
    {
      name: 'a disk that is warm within its own limits',
      events: [
        ...moved,
        temperature(10, 69.9, { chip: 'nvme-pci-0100', sensor: 'Composite', highCelsius: 79.8, critCelsius: 84.8 }),
      ],
    },
  ],
});
