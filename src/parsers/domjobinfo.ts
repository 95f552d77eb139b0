import { z } from 'zod';
import type { DomainMissing, EventBody } from '../model/event.ts';
import type { RejectReason } from '../model/source.ts';
import { jobEvents } from './domjobinfo/job-events.ts';
import { readJob } from './domjobinfo/job-text.ts';
import { pollSamples, rawSamples, textSamples } from './domjobinfo/samples.ts';
import { virshEventRules } from './domjobinfo/virsh-event.ts';
import { ISO_TIME, readJsonLine, recordedStamp } from './json-line.ts';
import type { Groups, Parser, RecordContext, Rule } from './parser.ts';

const poll = z.object({
  vm: z.string(),
  domjobinfo: z.string(),
  'query-migrate': z.unknown().optional(),
  error: z.string().nullish(),
  completed: z.boolean().optional(),
});

function polled(groups: Groups): readonly EventBody[] | RejectReason | null {
  const line = readJsonLine(poll, groups);
  if (typeof line === 'string') return line;
  const { vm, domjobinfo: text, error } = line;
  const events = jobEvents({ vm, job: readJob(text), queryMigrate: line['query-migrate'] });
  // it may have gone between the two questions of a poll
  return orPlain(missing(error ?? '') === null ? events : [...events, { kind: 'domain-missing', vm }]);
}

function printed({ job = '' }: Groups, { vm }: RecordContext): readonly EventBody[] | null {
  return orPlain(jobEvents({ vm, job: readJob(job) }));
}

function orPlain(events: readonly EventBody[]): readonly EventBody[] | null {
  return events.length === 0 ? null : events;
}

/** libvirt 7.0 and 9.0 print the first text, 11.3 either of them. */
const MISSING =
  /failed to get domain '(?<asked>[^']+)'|no domain with matching (?:uuid '[^']*' \((?<named>[^)]+)\)|name '(?<name>[^']+)')/;

function missing(text: string): DomainMissing | null {
  const found = MISSING.exec(text)?.groups;
  const vm = found?.['named'] ?? found?.['name'] ?? found?.['asked'];
  return vm === undefined ? null : { kind: 'domain-missing', vm };
}

const rules: readonly Rule[] = [
  {
    name: 'poll',
    versions: 'all',
    message: /^(?<rest>[,{}][^]*)$/,
    starts: [],
    event: polled,
    samples: pollSamples,
  },
  {
    name: 'rawstats',
    versions: 'libvirt 3.3 on, `--rawstats`',
    message: /^(?<job>Job type: \d[^]*)$/,
    starts: ['Job type: '],
    event: printed,
    samples: rawSamples,
  },
  {
    name: 'text',
    versions: 'libvirt 7.0–11.3',
    message: /^(?<job>Job type: [^]*)$/,
    starts: ['Job type: '],
    event: printed,
    samples: textSamples,
  },
  {
    name: 'no-domain',
    versions: 'libvirt 7.0–11.3',
    message: /^error: (?<text>[^]*)$/,
    event: ({ text = '' }) => missing(text),
    samples: [
      {
        record:
          "error: Domain not found: no domain with matching uuid '749fd415-564e-4019-b179-b17386fdf56b' (i-2-88-VM)\nerror: failed to get domain 'i-2-88-VM'\n",
        at: null,
        events: [{ kind: 'domain-missing', vm: 'i-2-88-VM' }],
      },
    ],
  },
  ...virshEventRules,
];

/** What virsh says of a VM's job: `virsh domjobinfo` in any form, polled by Precopy or by hand, and `virsh event`. */
export const domjobinfo: Parser = {
  source: 'domjobinfo',
  title: 'virsh: migration job statistics and events',
  reference: 'tools/virsh-domain.c, tools/virsh-domain-event.c of libvirt 7.0–11.3; qapi/migration.json of QEMU 5.2–10.0',
  paths: /(?:^|[/._-])(?:domjobinfo|virsh-events?)(?:[._-][^/]*)?$/,
  recognises: /"domjobinfo":|^Job type: |^(?:\S+ \S+: )?event '[a-z-]+' for domain /,
  // a line that is only a time gives it to the print-outs after it; errors of one virsh call are one record
  header: new RegExp(
    String.raw`(?:\{ ?"at": ?")?(?<time>${ISO_TIME})(?:"|: |(?=\r?$))|(?=Job type: |event '|events received: |\{)|(?=error: )(?<!(?<![^\n])\0*error: [^\n]*\n)`,
    'my',
  ),
  time: ({ time }) => recordedStamp(time),
  rules,
};
