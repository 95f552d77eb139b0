import { z } from 'zod';
import { tellingOf } from '../alerts/telling.ts';
import { tellingText } from '../alerts/telling-text.ts';
import type { NotifierKind } from './notifier.ts';

const options = z.strictObject({
  type: z.literal('stdout').describe('this kind of notifier'),
  width: z.int().min(60).max(400).default(100).describe('columns; only commands are wider'),
  color: z.boolean().default(false).describe('colours of a terminal; severity is a word too'),
});

/** Prints alerts where the process writes, as a terminal shows them. */
export const stdout: NotifierKind<typeof options> = {
  type: 'stdout',
  title: 'Standard output',
  options,
  create({ width, color }, { out, runbookUrl }) {
    return {
      send(notification) {
        out(`${tellingText(tellingOf(notification, { runbookUrl }), { width, color })}\n`);
        return Promise.resolve({ status: 'printed' });
      },
      repeat: null,
      report: null,
      close: () => Promise.resolve(),
    };
  },
};
