import type { z } from 'zod';
import type { RejectReason, Stamp } from '../model/source.ts';
import type { Groups } from './parser.ts';
import { isoStamp } from './time.ts';

/** ISO 8601 with date, time and, maybe, fraction and zone; as the source of a regular expression. */
export const ISO_TIME = String.raw`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?`;

/**
 * A line that is a JSON object, or claims to be: header of the files that Precopy's own collectors write, one record a line.
 * `at` stands first in them, so the header takes it off and the message is the rest of the object, from its comma on.
 */
export const JSON_LINE_HEADER = /\{ ?"at": ?"(?<time>[^"]*)"|(?=\S)/y;

/** What a JSON line holds, checked, without `at`: of the header's `time` and of `rest`, the message. Or what is wrong with it. */
export function readJsonLine<T extends object>(schema: z.ZodType<T>, { time, rest = '' }: Groups): T | RejectReason {
  if (time === undefined) return parsed(rest) === undefined ? 'bad-json' : 'bad-shape';
  const line = objectOf(rest);
  if (line === undefined) return 'bad-json';
  const found = schema.safeParse(line);
  return found.success ? found.data : 'bad-shape';
}

/** The object a JSON line holds, without `at`; `undefined` where it is none. */
export function objectOf(message: string): unknown {
  return parsed(`{${message.startsWith(',') ? message.slice(1) : message}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An ISO time: UTC where it says so, else the writer's local time; `null` where the record has none. */
export function recordedStamp(time: string | undefined): Stamp | null | 'bad-time' {
  if (time === undefined) return null;
  return isoStamp(time, time.endsWith('Z') || /[+-]00:?00$/.test(time) ? 'utc' : 'local');
}
