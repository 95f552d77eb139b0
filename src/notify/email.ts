import type { SMTPTransportOptions } from 'nodemailer/lib/smtp-transport';
import { z } from 'zod';
import { tellingHtml } from '../alerts/telling-html.ts';
import { tellingOf } from '../alerts/telling.ts';
import { tellingText } from '../alerts/telling-text.ts';
import { duration, durationMs } from '../lib/duration.ts';
import { stableId } from '../lib/hash.ts';
import { duration as durationWords } from '../lib/units.ts';
import { within } from './deadline.ts';
import { createExcerpt } from './excerpt.ts';
import { pemFile, secretText } from './http-options.ts';
import { NotifyError, type NotifierKind } from './notifier.ts';
import { smtpError } from './smtp-error.ts';
import { readTlsFiles } from './tls-files.ts';

const ADDRESS = /^[^\s@<>,;"]+@[^\s@<>,;"]+$/;
const address = z.string().regex(ADDRESS, { error: 'an address like oncall@example.org' });

const options = z
  .strictObject({
    type: z.literal('email').describe('this kind of notifier'),
    host: z.string().min(1).describe('The mail server.'),
    port: z.int().min(1).max(65_535).default(587).describe('587 with starttls, 465 with tls, 25 within a site.'),
    security: z
      .enum(['starttls', 'tls', 'none'])
      .default('starttls')
      .describe('starttls: encrypted before anything is sent, or not sent; tls: from the first byte; none: in the clear.'),
    user: z.string().min(1).nullable().default(null).describe('Who sends, where the server asks; null: nobody.'),
    password: secretText.nullable().default(null).describe('Of the user.'),
    from: address.describe('Sender.'),
    to: z.array(address).min(1).max(50).describe('Receivers, all in one mail.'),
    timeout: duration.default('30s').describe('How long one attempt may take.'),
    ca: pemFile.describe("PEM file of the authorities to trust; null: the machine's."),
    cert: pemFile.describe('PEM file of the client certificate, where the server asks for one.'),
    key: pemFile.describe('PEM file of its key, without a passphrase.'),
  })
  .refine(({ user, password }) => (user === null) === (password === null), {
    error: 'user and password belong together',
    path: ['password'],
  })
  .refine(({ security, password }) => security !== 'none' || password === null, {
    error: 'a password is not sent in the clear: set security to starttls or tls',
    path: ['security'],
  });

/** Columns of the plain text. */
const WIDTH = 78;

/** Sends alerts, and reports, by mail. */
export const email: NotifierKind<typeof options> = {
  type: 'email',
  title: 'Mail (SMTP)',
  options,
  create(set, { runbookUrl }) {
    const { from, to, timeout, password } = set;
    const said = createExcerpt([password ?? '']);
    const domain = from.slice(from.indexOf('@') + 1);

    async function mail(message: Message, signal: AbortSignal): Promise<{ readonly status: string }> {
      const tls = await readTlsFiles(set);
      // loaded by who sends mail: a collector has no use for its 8 MB
      const { createTransport } = await import('nodemailer');
      const ms = durationMs(timeout);
      const late = (): Error => new NotifyError(`no end within ${durationWords(ms)}`, { retriable: true });
      return within({ ms, signal, late }, async (own) => {
        const transport = createTransport({
          ...connectionOf(set),
          tls,
          connectionTimeout: ms,
          greetingTimeout: ms,
          socketTimeout: ms,
        });
        const abort = (): void => transport.close();
        own.addEventListener('abort', abort);
        try {
          const { response, rejected } = await transport.sendMail({ ...COMMON, from, to, ...message, signal: own });
          const status = said(response) ?? 'taken';
          return { status: rejected.length === 0 ? status : `${status}; refused: ${rejected.join(', ')}` };
        } catch (error) {
          throw smtpError(error, { server: `${set.host}:${set.port}`, said });
        } finally {
          own.removeEventListener('abort', abort);
          transport.close();
        }
      });
    }

    return {
      send(notification, signal) {
        const { id, group, kind } = notification;
        const telling = tellingOf(notification, { runbookUrl });
        const thread = `<${stableId(group)}.group.precopy@${domain}>`;
        return mail(
          {
            subject: telling.subject,
            text: tellingText(telling, { width: WIDTH, color: false }),
            html: tellingHtml(telling),
            // the same whenever the same is told: mail programs show it once
            messageId: `<${stableId(id)}.precopy@${domain}>`,
            inReplyTo: thread,
            references: thread,
            priority: telling.severity === 'critical' && kind === 'firing' ? 'high' : 'normal',
          },
          signal,
        );
      },
      repeat: null,
      report({ subject, text, html, fileName }, signal) {
        const attachments = [{ filename: fileName, content: html, contentType: 'text/html; charset=utf-8' }];
        return mail({ subject, text, attachments, messageId: `<${stableId(subject, text)}.report.precopy@${domain}>` }, signal);
      },
      close: () => Promise.resolve(),
    };
  },
};

interface Message {
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  readonly messageId: string;
  readonly inReplyTo?: string;
  readonly references?: string;
  readonly priority?: 'high' | 'normal';
  readonly attachments?: { readonly filename: string; readonly content: string; readonly contentType: string }[];
}

/** Programs do not answer it, and nothing in it may make nodemailer read a file or an address. */
const COMMON = {
  headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
  disableFileAccess: true,
  disableUrlAccess: true,
} as const;

function connectionOf({ host, port, security, user, password }: z.infer<typeof options>): SMTPTransportOptions {
  return {
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    ...(user === null || password === null ? {} : { auth: { user, pass: password } }),
  };
}
