import type { NotifierKind } from './notifier.ts';
import { email } from './email.ts';
import { stdout } from './stdout.ts';
import { webhook } from './webhook.ts';

/** Every kind of notifier. */
export const notifiers: readonly NotifierKind[] = [email, stdout, webhook];
