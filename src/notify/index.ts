import type { NotifierKind } from './notifier.ts';
import { stdout } from './stdout.ts';

/** Every kind of notifier. */
export const notifiers: readonly NotifierKind[] = [stdout];
