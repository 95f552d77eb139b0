import type { NotifierKind } from './notifier.ts';
import { alertmanager } from './alertmanager.ts';
import { cloudstack } from './cloudstack.ts';
import { email } from './email.ts';
import { pagerduty } from './pagerduty.ts';
import { slack } from './slack.ts';
import { stdout } from './stdout.ts';
import { webhook } from './webhook.ts';

/** Every kind of notifier. */
export const notifiers: readonly NotifierKind[] = [alertmanager, cloudstack, email, pagerduty, slack, stdout, webhook];
