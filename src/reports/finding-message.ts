import { z } from 'zod';
import { isoTime } from '../lib/units.ts';
import { analysisDocument } from './json.ts';

/** A message of the findings topic: what is wrong now, is different, or does not hold any more. Key: the cluster. */
export const findingMessage = z
  .strictObject({
    schema: z.literal('precopy/finding@1'),
    change: z
      .enum(['found', 'changed', 'withdrawn'])
      .describe('withdrawn: what came later does not bear it out; the finding is as it was'),
    id: z
      .string()
      .describe('of this finding, and of this episode of a condition of a host: later messages about it have the same'),
    cluster: z.string(),
    at: z.iso.datetime({ precision: 3 }).describe('when it was concluded, UTC'),
    finding: analysisDocument.shape.findings.element,
    migration: analysisDocument.shape.migrations.element
      .nullable()
      // a processor of 0.1 says neither: alerts of it have less to say, and are not lost
      .default(null)
      .describe('the migration that it is about or told with, as it was known then; null where there is none, or none any more'),
    quotes: z
      .array(z.string())
      .default([])
      .describe('the words of each record of evidence, without time and logger, in its order'),
  })
  .describe('a change of what Precopy finds; each may come more than once');

/** See `findingMessage`. */
export type FindingMessage = z.infer<typeof findingMessage>;

/** What changed, and when, in Unix ms. */
export type FindingChange = Omit<FindingMessage, 'schema' | 'at'> & { readonly at: number };

/** A change as a message. */
export function toFindingMessage({ at, ...change }: FindingChange): FindingMessage {
  return { schema: 'precopy/finding@1', ...change, at: isoTime(at) };
}
