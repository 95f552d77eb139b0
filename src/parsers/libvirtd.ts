import type { EventBody } from '../model/event.ts';
import type { Groups, Parser, Rule } from './parser.ts';
import { daemonEvent } from './libvirt/daemon-message.ts';
import { DAEMON_SAMPLES } from './libvirt/daemon-samples.ts';
import { DAEMON_TOPICS, type DaemonTopic } from './libvirt/daemon-topics.ts';
import { monitorRules } from './libvirt/monitor.ts';
import { isoStamp, isoStampAt } from './time.ts';

/** `debug` is libvirt's level for this refusal only (`daemonErrorLogFilter`), which is an error to everybody else. */
const DEMOTED = 'Requested operation is not valid: ';

function complaint({ level, text = '' }: Groups): EventBody | null {
  if (level === 'warning' || level === 'error') return daemonEvent(text, level);
  return level === 'debug' && text.startsWith(DEMOTED) ? daemonEvent(text, 'error') : null;
}

function ruleOf({ name, versions, starts, message }: DaemonTopic): Rule {
  const pattern = message.source.slice(1);
  return {
    name,
    versions,
    starts,
    message: new RegExp(`^(?<text>${pattern}[^]*)$`, message.flags),
    event: complaint,
    samples: DAEMON_SAMPLES[name] ?? [],
  };
}

const startUp: Rule = {
  name: 'daemon-started',
  versions: 'all',
  message: /^libvirt version: (?<version>\d[\d.]*)/,
  event: ({ version = '' }) => ({ kind: 'daemon-started', libvirtVersion: version }),
  samples: [
    {
      record:
        '2026-11-23 21:42:58.939+0000: 6079: info : libvirt version: 7.0.0, package: 3+deb11u3 (Guilhem Moulin <guilhem@debian.org> Tue, 30 Jul 2024 21:35:28 +0200)',
      at: '2026-11-23T21:42:58.939Z',
      events: [{ kind: 'daemon-started', libvirtVersion: '7.0.0' }],
    },
    {
      record: '2026-11-24 06:49:38.529+0000: 22219: info : libvirt version: 9.0.0, package: 9.0.0-4+deb12u2 (Debian)',
      at: '2026-11-24T06:49:38.529Z',
      events: [{ kind: 'daemon-started', libvirtVersion: '9.0.0' }],
    },
  ],
};

/** The log of libvirtd or virtqemud as it writes it to a file: always UTC. */
export const libvirtd: Parser = {
  source: 'libvirtd',
  title: "libvirt's daemon: libvirtd.log, virtqemud.log",
  reference: 'virLogFormatString in libvirt src/util/virlog.c; libvirt 7.0–11.3; with bars instead of colons in builds of Huawei',
  paths: /(?:^|[/._-])(?:libvirtd|virtqemud)\.log$/,
  recognises: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\+0000(?:: |\| *)\d+(?:: |\| *)(?:debug|info|warning|error) [:|] /,
  header:
    /(?<time>\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3})\+0000(?:: |\| *)\d+(?:: |\| *)(?<level>debug|info|warning|error) [:|] (?:\w+:\d+ [:|] )?/y,
  time: ({ time }) => isoStamp(time, 'utc'),
  timeAt: (text, at) => isoStampAt(text, 'utc', at),
  rules: [startUp, ...monitorRules, ...DAEMON_TOPICS.map(ruleOf)],
};
