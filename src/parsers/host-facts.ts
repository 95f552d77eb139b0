import { z } from 'zod';
import type { EventBody } from '../model/event.ts';
import type { RejectReason } from '../model/source.ts';
import { JSON_LINE_HEADER, readJsonLine, recordedStamp } from './json-line.ts';
import type { Groups, Parser, Rule } from './parser.ts';

const fact = z.object({ name: z.string().min(1), value: z.string() });

function told(groups: Groups): EventBody | RejectReason {
  const line = readJsonLine(fact, groups);
  return typeof line === 'string' ? line : { kind: 'host-fact', ...line };
}

const rules: readonly Rule[] = [
  {
    name: 'fact',
    versions: 'all',
    message: /^(?<rest>[^]+)$/,
    starts: [],
    event: told,
    samples: [
      {
        record: '{"at":"2026-11-23T04:51:21.997Z","name":"version.libvirt","value":"9.0.0"}',
        at: '2026-11-23T04:51:21.997Z',
        events: [{ kind: 'host-fact', name: 'version.libvirt', value: '9.0.0' }],
      },
      {
        record: '{"at":"2026-11-23T04:51:21.997Z","name":"address.cloudbr0","value":"10.77.0.2 2001:db8::2"}',
        at: '2026-11-23T04:51:21.997Z',
        events: [{ kind: 'host-fact', name: 'address.cloudbr0', value: '10.77.0.2 2001:db8::2' }],
      },
      {
        record: '{"at":"2026-11-23T05:01:21.997Z","name":"mtu.cloudbr0","value":""}',
        at: '2026-11-23T05:01:21.997Z',
        events: [{ kind: 'host-fact', name: 'mtu.cloudbr0', value: '' }],
      },
    ],
  },
];

/** What holds for a host, as Precopy's collector finds it at start and when it changes. */
export const hostFacts: Parser = {
  source: 'host-facts',
  title: 'Host facts: versions, CPU, addresses, MTU, settings, services and pools',
  reference: "host-facts.jsonl, one JSON object a line, of Precopy's own collector; an empty value: gone",
  paths: /(?:^|[/._-])host-facts\.jsonl$/,
  recognises: /^\{"at":"[^"]*","name":"[^"]*","value":"/,
  header: JSON_LINE_HEADER,
  time: ({ time }) => recordedStamp(time),
  rules,
};
