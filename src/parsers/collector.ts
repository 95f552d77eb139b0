import { z } from 'zod';
import type { EventBody } from '../model/event.ts';
import type { RejectReason } from '../model/source.ts';
import { JSON_LINE_HEADER, readJsonLine, recordedStamp } from './json-line.ts';
import type { Groups, Parser, Rule } from './parser.ts';

const report = z.object({
  collector: z.string(),
  state: z.enum(['starting', 'running', 'listening', 'missing', 'failing', 'timed-out', 'stopped']),
  text: z.string(),
});

function reported(groups: Groups): EventBody | RejectReason {
  const line = readJsonLine(report, groups);
  return typeof line === 'string' ? line : { kind: 'collector-report', ...line };
}

const rules: readonly Rule[] = [
  {
    name: 'report',
    versions: 'all',
    message: /^(?<rest>[^]+)$/,
    starts: [],
    event: reported,
    samples: [
      {
        record: '{"at":"2026-11-24T09:00:00.123Z","collector":"arp:cloudbr0","state":"listening","text":""}',
        at: '2026-11-24T09:00:00.123Z',
        events: [{ kind: 'collector-report', collector: 'arp:cloudbr0', state: 'listening', text: '' }],
      },
      {
        record:
          '{"at":"2026-11-24T09:00:02.004Z","collector":"sensors","state":"missing","text":"sensors is not installed: apt-get install lm-sensors"}',
        at: '2026-11-24T09:00:02.004Z',
        events: [
          {
            kind: 'collector-report',
            collector: 'sensors',
            state: 'missing',
            text: 'sensors is not installed: apt-get install lm-sensors',
          },
        ],
      },
      {
        record:
          '{"at":"2026-11-24T09:00:07.311Z","collector":"virsh:qemu:///system","state":"timed-out","text":"libvirt gave no answer within 5000 ms"}',
        at: '2026-11-24T09:00:07.311Z',
        events: [
          {
            kind: 'collector-report',
            collector: 'virsh:qemu:///system',
            state: 'timed-out',
            text: 'libvirt gave no answer within 5000 ms',
          },
        ],
      },
    ],
  },
];

/** What Precopy's own collectors say of themselves. */
export const collector: Parser = {
  source: 'collector',
  title: 'Collectors: whether they run, and what keeps them from it',
  reference: "collector.jsonl, one JSON object a line, of Precopy's own collectors",
  paths: /(?:^|[/._-])collector\.jsonl$/,
  recognises: /"collector":"[^"]*","state":"/,
  header: JSON_LINE_HEADER,
  time: ({ time }) => recordedStamp(time),
  rules,
};
