import type { DaemonMessage, EventBody } from '../../model/event.ts';
import { VM_NAME } from '../text.ts';
import { DAEMON_TOPICS } from './daemon-topics.ts';

/** Where libvirt's texts name the domain; the first that matches is it. */
const DOMAIN_IN_TEXT: readonly RegExp[] = [
  /\(vm='(?<vm>[^']+)'\)/,
  /\b(?:domain|VM|vm|guest) '(?<vm>[^']+)'/,
  /\bmigration of domain (?<vm>[^\s;,]+)/i,
  /^Cannot start job \([^()]*\) (?:in API \w+ )?for domain (?<vm>[^\s;]+)/,
  /^Could not get stats for completed job; domain (?<vm>\S+)/,
  /^Failed to save status on vm (?<vm>\S+)/,
  /^Failed to (?:set|clear) security context for monitor for (?<vm>\S+)/,
  /\bguest (?<vm>\S+) (?:to paused state|after failure|probably left)/i,
];

/** The VM that a text of libvirtd or virtqemud names, `null` where it names none. */
function domainOf(text: string): string | null {
  for (const pattern of DOMAIN_IN_TEXT) {
    const vm = pattern.exec(text)?.groups?.['vm'];
    if (vm !== undefined) return vm;
  }
  return VM_NAME.exec(text)?.[0] ?? null;
}

/**
 * The event that a warning or error of libvirtd or virtqemud means: texts that can bear on a migration or a VM's life, `null`
 * for all others. `text` is the bare message, without time, thread, level and function, its further lines included.
 */
export function daemonMessage(text: string, level: 'warning' | 'error'): EventBody | null {
  return DAEMON_TOPICS.some((topic) => topic.message.test(text)) ? daemonEvent(text, level) : null;
}

/** The event of a text already known to belong to a topic. */
export function daemonEvent(text: string, level: 'warning' | 'error'): DaemonMessage {
  return { kind: 'daemon-message', level, vm: domainOf(text), text: text.trimEnd() };
}
