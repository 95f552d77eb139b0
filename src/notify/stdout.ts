import { z } from 'zod';
import { toNotificationDocument } from '../alerts/notification-document.ts';
import { tellingOf } from '../alerts/telling.ts';
import { tellingText } from '../alerts/telling-text.ts';
import type { NotifierKind } from './notifier.ts';

const options = z.strictObject({
  type: z.literal('stdout').describe('this kind of notifier'),
  format: z
    .enum(['text', 'json'])
    .default('text')
    .describe('text for people; json: one line each, docs/notification.schema.json.'),
  width: z.int().min(60).max(400).default(100).describe('columns; only commands are wider'),
  color: z.boolean().default(false).describe('colours of a terminal; severity is a word too'),
});

/** Prints alerts where the process writes, as a terminal shows them. */
export const stdout: NotifierKind<typeof options> = {
  type: 'stdout',
  title: 'Standard output',
  options,
  create({ format, width, color }, { out, runbookUrl }) {
    return {
      send(notification) {
        if (format === 'json') out(`${JSON.stringify(toNotificationDocument(notification, { runbookUrl }))}\n`);
        else out(`${tellingText(tellingOf(notification, { runbookUrl }), { width, color })}\n`);
        return Promise.resolve({ status: 'printed' });
      },
      repeat: null,
      report: null,
      close: () => Promise.resolve(),
    };
  },
};
