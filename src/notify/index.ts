import type { NotifierKind } from './notifier.ts';
import { stdout } from './stdout.ts';
import { webhook } from './webhook.ts';

/** Every kind of notifier. */
export const notifiers: readonly NotifierKind[] = [stdout, webhook];
