import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import { onSignals } from '../lib/signals.ts';
import type { Source } from '../model/source.ts';
import type { findingDocument } from '../reports/json.ts';
import { reportHtml } from '../reports/weekly/report-html.ts';
import { terminalReport } from '../reports/terminal.ts';
import { fold, inert } from '../reports/terminal/text.ts';
import { fixedZone, zoneNamed } from '../timeline/zone.ts';
import type { FeedItem } from '../web/feed.ts';
import type { Terminal } from './analyze.ts';
import { orUsage } from './command-line.ts';
import { createInstance, type Instance } from './instance.ts';
import { createRemoteQuestions } from './remote-questions.ts';
import { replayed, type ReplayedRecord } from './replay.ts';
import { writeReportFile } from './report-file.ts';
import { DEFAULT_SETTINGS, runAnalysis } from './run-analysis.ts';
import type { RunContext } from './run.ts';

/** Where the weekly report of the demonstration is left. */
const REPORT_FILE = join(tmpdir(), 'precopy-demo-report.html');

const HELP = `precopy demo   six recorded migrations, found while they are written into live logs

Runs precopy up on a temporary folder for a minute: prints findings as they
appear, what precopy analyze says of the same logs, the alerts that were sent,
and the week's report, which stays in
${REPORT_FILE}. Nothing else is left behind, nobody is told.

Exit status: 0 shown, 2 bad usage.
`;

const OPTIONS = { help: { type: 'boolean', short: 'h', default: false } } as const;

/** A recording of a real migration, and what was done in it. */
interface Story {
  readonly folder: string;
  readonly story: string;
  /** Zone of its agents' local times. */
  readonly zone: string;
  /** First and last thing recorded. */
  readonly from: string;
  readonly to: string;
}

/** Recordings that show most. */
const SHOWN: readonly Story[] = [
  {
    folder: 'libvirt-9.0/healthy',
    story: 'An idle VM moves. Nothing is wrong.',
    zone: 'Europe/Berlin',
    from: '2026-11-23T04:54:34Z',
    to: '2026-11-23T04:54:52Z',
  },
  {
    folder: 'libvirt-9.0/cpu-incompatible',
    story: 'The destination lacks CPU features of the running VM.',
    zone: 'Europe/Berlin',
    from: '2026-11-23T04:42:24Z',
    to: '2026-11-23T04:42:43Z',
  },
  {
    folder: 'libvirt-9.0/not-converging',
    story: 'A VM dirties memory faster than it is copied; after 70 s an operator gives up.',
    zone: 'America/New_York',
    from: '2026-11-23T04:40:06Z',
    to: '2026-11-23T04:41:38Z',
  },
  {
    folder: 'libvirt-11.3/missing-garp',
    story: 'A VM moves, but no announcement reaches the switch.',
    zone: 'Europe/Berlin',
    from: '2026-11-23T21:29:06Z',
    to: '2026-11-23T21:29:42Z',
  },
  {
    folder: 'libvirt-9.0/storage-spike',
    story: 'Primary storage hangs twice while a VM moves.',
    zone: 'Europe/Berlin',
    from: '2026-11-23T04:50:53Z',
    to: '2026-11-23T04:51:47Z',
  },
  {
    folder: 'libvirt-7.0/split-brain',
    story: 'A switch port goes down, and HA starts the VM a second time.',
    zone: 'Europe/Berlin',
    from: '2026-11-23T21:48:22Z',
    to: '2026-11-23T21:50:32Z',
  },
];

/** How much faster than it happened. */
const SPEED = 12;
const STEP_MS = 100;
/** The last record of a file may go on: the collector waits so long for more of it. */
const TAIL_MS = 1300;
/** Until the first record: the collectors look for files once a second. */
const START_MS = 1500;
const WIDTH = 100;
const INDENT = 12;
/** Between two recordings, in their time. */
const BETWEEN_MS = 30_000;

/** A record, and the live file that it goes to. */
interface Line extends ReplayedRecord {
  readonly path: string;
}

/** A story with its place in time. */
interface Scene {
  readonly story: Story;
  /** Where its logs are written. */
  readonly folder: string;
  /** When its first record was written as its logs say, Unix ms. */
  readonly startsAt: number;
  readonly endsAt: number;
  /** All its records in the order of time. */
  readonly lines: readonly Line[];
}

/** Where a demonstration takes place. */
interface Stage {
  readonly folder: string;
  readonly scenes: readonly Scene[];
  /** Records of this time are written when it begins; they catch up with the clock when it ends. */
  readonly from: number;
}

/**
 * `precopy demo`: an instance on a temporary folder, whose collectors follow logs that recorded real migrations are written into;
 * prints findings as they appear, then what is known of each migration, and ends by itself.
 */
export async function demo(args: readonly string[], { terminal, env, node }: RunContext): Promise<number> {
  const { values } = orUsage(() => parseArgs({ args: [...args], options: OPTIONS }), 'see precopy demo --help');
  if (values.help) {
    terminal.out(HELP);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'precopy-demo-'));
  const stopping = new AbortController();
  const withdraw = onSignals({ stop: () => stopping.abort() });
  try {
    const stage = createStage(folder, Date.now());
    const told: string[] = [];
    const instance = createInstance(loadConfig(configOf(stage, terminal), env), {
      roles: { collect: true, process: true },
      log: createLog({ level: 'error' }),
      metrics: createMetrics(),
      node,
      out: (text) => void told.push(text),
    });
    await instance.start();
    try {
      await play(stage, { instance, terminal, signal: stopping.signal });
      await instance.idle();
      if (!stopping.signal.aborted) terminal.out(await aftermath(instance, told, terminal.width ?? WIDTH));
    } finally {
      await instance.stop();
    }
    if (!stopping.signal.aborted) terminal.out(ENDING);
    return 0;
  } finally {
    withdraw();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whom it told of what, and the report of the week. */
async function aftermath(instance: Instance, told: readonly string[], width: number): Promise<string> {
  const url = instance.url();
  if (url === null) throw new Error('the instance of the demonstration has an API');
  const made = await createRemoteQuestions(url).report({ week: 'this', zone: 'UTC', cluster: null });
  await writeReportFile(REPORT_FILE, reportHtml(made));
  const rule = '━'.repeat(width);
  return [
    `\n${rule}\n${fold('The alerts that it sent while all this happened (alerts.notifiers: here to standard output; elsewhere mail, Slack, PagerDuty, Alertmanager …), one a cause, and none for what another one explains:', width).join('\n')}\n`,
    ...told,
    `${rule}\nThe week's report (precopy report): ${REPORT_FILE}\n  ${fold(made.verdict.text, width - 2).join('\n  ')}\n`,
  ].join('\n');
}

const ENDING = `
${'━'.repeat(WIDTH)}
These were recordings of real migrations. Now yours:
  precopy analyze FOLDER-WITH-LOGS-OF-BOTH-HOSTS    after an incident
  precopy check && precopy up                       on a live host
`;

function createStage(folder: string, now: number): Stage {
  const recorded = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'recordings');
  const total = SHOWN.reduce((sum, story) => sum + lengthMs(story) + BETWEEN_MS, 0);
  const from = now + START_MS - total + total / SPEED;
  let startsAt = from;
  const scenes = SHOWN.map((story) => {
    const scene = sceneOf(story, { folder: join(folder, basename(story.folder)), recorded, startsAt });
    startsAt = scene.endsAt + BETWEEN_MS;
    return scene;
  });
  return { folder, scenes, from };
}

function lengthMs({ from, to }: Story): number {
  return Date.parse(to) - Date.parse(from);
}

interface ScenePlace {
  readonly folder: string;
  readonly recorded: string;
  readonly startsAt: number;
}

function sceneOf(story: Story, { folder, recorded, startsAt }: ScenePlace): Scene {
  const recordedZone = zoneNamed(story.zone);
  if (recordedZone === null) throw new Error(`no zone ${story.zone}`);
  const shift = { byMs: Math.round(startsAt - Date.parse(story.from)), recordedZone, zone: fixedZone(0) };
  const files = replayed(join(recorded, story.folder), shift);
  const lines = files.flatMap(({ path, records }) => records.map((record) => ({ ...record, path: join(folder, path) })));
  for (const { path } of lines) mkdirSync(dirname(path), { recursive: true });
  return { story, folder, startsAt, endsAt: startsAt + lengthMs(story), lines: lines.toSorted((a, b) => a.at - b.at) };
}

/** Programs, by the names of their files. */
const SOURCES: readonly (readonly [pattern: string, source: Source])[] = [
  ['var/log/cloudstack/agent/agent.log', 'cloudstack-agent'],
  ['var/log/libvirt/libvirtd.log', 'libvirtd'],
  ['var/log/libvirt/qemu/*.log', 'libvirt-qemu'],
  ['domjobinfo.jsonl', 'domjobinfo'],
  ['heartbeat.jsonl', 'heartbeat'],
];

/** Writes a configuration as an operator would, and says where it is. */
function configOf({ folder, scenes }: Stage, { width, color }: Terminal): string {
  const files = scenes.flatMap((scene) => [
    ...['kvm-a', 'kvm-b'].flatMap((host) =>
      SOURCES.map(([pattern, source]) => ({ path: join(scene.folder, 'hosts', host, pattern), source, host })),
    ),
    { path: join(scene.folder, 'switch', 'tcpdump.log'), source: 'tcpdump', host: 'switch' },
    { path: join(scene.folder, 'switch', 'bridge-fdb.log'), source: 'bridge-fdb', host: 'switch' },
  ]);
  const path = join(folder, 'precopy.yaml');
  const off = Object.fromEntries(['virsh', 'sensors', 'arp', 'heartbeat', 'journal', 'hostFacts'].map((name) => [name, null]));
  const config = {
    cluster: 'demo',
    timezone: 'UTC',
    data: join(folder, 'data'),
    collect: { ...off, files },
    api: { listen: '127.0.0.1:0' },
    alerts: { notifiers: [{ name: 'demo', type: 'stdout', width: width ?? WIDTH, color }] },
  };
  // JSON is YAML
  writeFileSync(path, JSON.stringify(config, null, 2));
  return path;
}

/** What a performance needs. */
interface Performance {
  readonly instance: Instance;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** Writes the logs of one scene after the other, and shows what is found. */
async function play({ scenes, from }: Stage, { instance, terminal, signal }: Performance): Promise<void> {
  const width = terminal.width ?? WIDTH;
  const began = Date.now();
  const leave = instance.follow(createShow(terminal, width));
  terminal.out(
    `${fold(`precopy up runs on a temporary folder; six recorded migrations are written into the logs that it follows, ${SPEED} times as fast as they happened.`, width).join('\n')}\n`,
  );
  for (const scene of scenes) {
    terminal.out(`\n${'━'.repeat(width)}\n${scene.story.story}\n`);
    await write(scene, (at) => began + (at - from) / SPEED, signal);
    await pause(TAIL_MS, undefined, { signal }).catch(() => undefined);
    await instance.idle();
    if (signal.aborted) break;
    terminal.out(await reportOf(scene, terminal, width));
  }
  leave();
}

/** Writes each record when its time has come. */
async function write({ lines, endsAt }: Scene, dueAt: (at: number) => number, signal: AbortSignal): Promise<void> {
  let next = 0;
  while (!signal.aborted && (next < lines.length || Date.now() < dueAt(endsAt))) {
    for (let line = lines[next]; line !== undefined && dueAt(line.at) <= Date.now(); line = lines[next]) {
      appendFileSync(line.path, line.text);
      next += 1;
    }
    await pause(STEP_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** A line for each finding when it is found first. */
function createShow(terminal: Terminal, width: number): (item: FeedItem) => void {
  const shown = new Set<string>();
  return ({ kind, document }) => {
    if (kind !== 'finding') return;
    const { id, detector, severity, vm, host, summary, evidence } = document as ReturnType<typeof findingDocument>;
    if (severity === 'info' || shown.has(id)) return;
    shown.add(id);
    const [last = ''] = evidence
      .map(({ at }) => at)
      .toSorted()
      .slice(-1);
    const title = `${last.slice(11, 19)}  ${severity.toUpperCase()}  ${detector}  ${vm ?? host ?? ''}`;
    terminal.out(
      `${[`▶ ${title}`, ...fold(inert(summary), width - INDENT).map((line) => ' '.repeat(INDENT) + line)].join('\n')}\n`,
    );
  };
}

/** What `precopy analyze` says of the same logs. */
async function reportOf({ folder }: Scene, terminal: Terminal, width: number): Promise<string> {
  const analysis = await runAnalysis([folder], DEFAULT_SETTINGS, { stdin: terminal.stdin, progress: () => {} });
  return `\nAs precopy analyze tells it:\n\n${terminalReport(analysis, { width, color: terminal.color, allEvidence: false })}`;
}
