import { z } from 'zod';
import { hintPattern, unrotated } from '../ingest/identify.ts';
import { timeZone } from '../ingest/options.ts';
import { SOURCES, type Source } from '../model/source.ts';
import { parsers } from '../parsers/index.ts';
import { SHIPPER_FORMATS, type ShippedLine } from './shippers/shipper.ts';

const rule = z
  .strictObject({
    path: z
      .string()
      .min(1)
      .optional()
      .describe('Of the file: `*` and `?` within a name, `**` across folders; any tail of the path.'),
    program: z.string().min(1).optional().describe('Who wrote it, for messages of syslog: `libvirtd`, `virt*`.'),
    source: z.enum(SOURCES).nullable().describe('The program whose lines these are; null: they are not read.'),
    host: z.string().min(1).optional().describe('The host, whatever the message says.'),
    timezone: timeZone.optional().describe('IANA zone of their local times.'),
  })
  .refine(({ path, program }) => path === undefined || program === undefined, { error: 'either path or program' });

/** A topic that another program ships logs to. */
export const shippedTopicOptions = z.strictObject({
  topic: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,249}$/, { error: 'A-Z, a-z, 0-9, ., _ and -' })
    .describe('Its whole name; topicPrefix does not go before it.'),
  format: z.enum(SHIPPER_FORMATS).describe('What the program puts around a line (docs/shippers.md).'),
  cluster: z
    .string()
    .min(1)
    .max(200)
    .nullable()
    .default(null)
    .describe("The CloudStack cluster of its hosts; null: this configuration's."),
  timezone: timeZone
    .nullable()
    .default(null)
    .describe("IANA zone in which its hosts write local times; null: this configuration's."),
  host: z.string().min(1).nullable().default(null).describe('The host of messages that name none.'),
  path: z.string().min(1).nullable().default(null).describe('The file of messages that name none.'),
  rules: z
    .array(rule)
    .default([])
    .describe('Which program wrote a line: the first rule that fits. Files that no rule names are known by their usual paths.'),
});

/** See `shippedTopicOptions`. */
export type ShippedTopicOptions = z.infer<typeof shippedTopicOptions>;

/** A topic whose defaults are filled in. */
export interface ShippedTopic extends Omit<ShippedTopicOptions, 'cluster' | 'timezone'> {
  readonly cluster: string;
  readonly timezone: string;
}

/** What is known of a line besides its text. */
export interface LineOrigin {
  /** `null`: nobody reads such lines. */
  readonly source: Source | null;
  /** `null`: neither the message nor the configuration says. */
  readonly host: string | null;
  readonly path: string;
  readonly timezone: string;
}

/** Path under which messages of syslog are stored, as those are that our own collector takes. */
const SYSLOG_PATH = 'syslog';

/** Tells of each line of a topic who wrote it. */
export function createOrigins(topic: ShippedTopic): (line: ShippedLine) => LineOrigin {
  const rules = topic.rules.map(({ path, program, ...told }) => ({
    ...told,
    path: path === undefined ? null : hintPattern(path),
    program: program === undefined ? null : hintPattern(program),
  }));
  return (line) => {
    const path = line.path ?? (line.program === null ? (topic.path ?? topic.topic) : SYSLOG_PATH);
    const program = line.program?.replace(/\[[^\]]*\]$/, '') ?? null;
    const told = rules.find(
      (each) =>
        (each.path?.test(unrotated(path)) ?? true) && (each.program === null || (program !== null && each.program.test(program))),
    );
    return {
      source: told === undefined ? usualSource(path, program) : told.source,
      host: told?.host ?? line.host ?? topic.host,
      path,
      timezone: told?.timezone ?? topic.timezone,
    };
  };
}

/** Messages of syslog are what the journal's parser reads. */
function usualSource(path: string, program: string | null): Source | null {
  if (program !== null) return 'journal';
  return parsers.find(({ paths }) => paths.test(unrotated(path)))?.source ?? null;
}
