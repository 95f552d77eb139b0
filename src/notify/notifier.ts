import type { z } from 'zod';
import type { Alert, Notification } from '../alerts/alert.ts';
import { AppError } from '../lib/errors.ts';
import type { ProxySettings } from './http-proxy.ts';

/** What is known of a receiver that did not take something. */
export interface Refusal {
  /** Trying the same again may succeed. */
  readonly retriable: boolean;
  /** When, if the receiver says; `null` where it does not. */
  readonly retryAfterMs?: number | null;
  readonly hint?: string;
  readonly cause?: unknown;
}

/** A receiver did not take something: `message` is short enough for a table (`429 Too Many Requests`, `no answer within 10 s`). */
export class NotifyError extends AppError {
  readonly retryAfterMs: number | null;

  constructor(message: string, { retryAfterMs = null, ...details }: Refusal) {
    super('notify', message, details);
    this.name = 'NotifyError';
    this.retryAfterMs = retryAfterMs;
  }
}

/** A receiver took it. */
export interface Sent {
  /** What it answered: `200 OK`, `250 2.0.0 Ok: queued`. */
  readonly status: string;
}

/** A report by mail. */
export interface MailedReport {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** Name of the attached page, `precopy-2026-W47.html`. */
  readonly fileName: string;
}

/** What a notifier is made with. */
export interface NotifierParts {
  /** Unix ms. */
  now(): number;
  /** Writes to the standard output of the process. */
  out(text: string): void;
  /** Address of the runbooks: `{{detector}}` in it stands for the detector, or its id is appended; `null`: the project's own files are named. */
  readonly runbookUrl: string | null;
  readonly proxy: ProxySettings;
}

/** Tells one receiver. Every call is one attempt; who calls tries again. */
export interface Notifier {
  /**
   * @throws NotifyError where it was not taken.
   */
  send(notification: Notification, signal: AbortSignal): Promise<Sent>;
  /** Of receivers that forget what is not repeated: tells all alerts that fire, every `repeatMs`; `null` of others. */
  readonly repeat: { readonly everyMs: number; send(firing: readonly Alert[], signal: AbortSignal): Promise<Sent> } | null;
  /** Of notifiers that can bring a whole page; `null` of others. */
  readonly report: ((report: MailedReport, signal: AbortSignal) => Promise<Sent>) | null;
  /** Ends connections; idempotent. */
  close(): Promise<void>;
}

/** A kind of notifier: its options, and how one is made of them. */
export interface NotifierKind<O extends z.ZodObject = z.ZodObject> {
  /** Kebab-case: `type` in the configuration, and the name of its file. */
  readonly type: string;
  readonly title: string;
  /** A strict object, every field described, secrets marked by `.meta({ secret: true })`; `type` is among them, as a literal. */
  readonly options: O;
  create(options: z.infer<O>, parts: NotifierParts): Notifier;
}
