import { z } from 'zod';
import { instantOf, readJson, withoutBreak } from './json-message.ts';
import type { ShippedLines } from './shipper.ts';

const fields = z.object({
  '@timestamp': z.string(),
  host: z.string().min(1),
  message: z.string(),
  path: z.string().default(''),
  program: z.string().default(''),
  procid: z.string().default(''),
});

/** The fields that we ask rsyslog and syslog-ng to send: a line of a file has a path, a message of syslog a program. */
export function readSyslogFields(value: Uint8Array): ShippedLines {
  const read = readJson(value, fields);
  if ('problem' in read) return read;
  const { '@timestamp': timestamp, host, message, path, program, procid } = read.found;
  const fromFile = path !== '';
  const pid = procid === '' || procid === '-' ? '' : `[${procid}]`;
  return {
    lines: [
      {
        text: withoutBreak(message),
        host,
        path: fromFile ? path : null,
        program: fromFile || program === '' ? null : `${program}${pid}`,
        at: instantOf(timestamp),
        place: null,
      },
    ],
  };
}
