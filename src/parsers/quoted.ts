import type { EventBody, QuotedMessage } from '../model/event.ts';
import { VM_NAME } from './text.ts';

/**
 * Sentences that operators' guides quote. No release of CloudStack prints them on the KVM path; wrappers and other tools do,
 * so they are recognised in every file, and count only where nothing better is known.
 */
const MEANINGS: Readonly<Record<string, QuotedMessage['meaning']>> = {
  'Successfully migrated.': 'completed',
  'Migration failed: Destination host is not compatible.': 'incompatible',
  'Timed out waiting for migration': 'timed-out',
  'Host Unreachable': 'unreachable',
};

/** Finds any of them anywhere in a text; `Destination Host Unreachable` is what ping says of whatever it was asked for. */
const QUOTED =
  /Successfully migrated\.|Migration failed: Destination host is not compatible\.|Timed out waiting for migration|(?<!Destination )Host Unreachable/;

/** A later part of each, all of which begin alike: a text without any is looked through in half the time. */
const PART = / (?:migrated\.|compatible\.|waiting for migration|Unreachable)/;

/** Whether a text holds any of them; made for large texts that do not. */
export function quotesAny(text: string): boolean {
  return PART.test(text) && QUOTED.test(text);
}

/** The quoted sentence in a message, if there is one. */
export function quotedMessage(message: string): readonly EventBody[] | null {
  const found = QUOTED.exec(message)?.[0];
  const meaning = found === undefined ? undefined : MEANINGS[found];
  if (meaning === undefined) return null;
  return [{ kind: 'quoted-message', vm: VM_NAME.exec(message)?.[0] ?? null, meaning }];
}
