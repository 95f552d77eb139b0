import { shell } from '../lib/shell.ts';
import { duration } from '../lib/units.ts';
import type { Event, EventBody } from '../model/event.ts';
import type { Conclusion, Remedy } from '../model/finding.ts';
import type { Migration } from '../model/timeline.ts';
import { HOST_ENDS } from '../timeline/of-kind.ts';
import { destinationOf, evidence, hostsToType, sourceOf } from './words.ts';

/** More lines than this explain nothing better. */
const MAX_EVIDENCE = 6;
/** Less is no time to a person, and below the precision of the logs. */
const AT_ONCE_MS = 50;
/** A quoted text is cut here, in characters: the line itself is among the evidence. */
const MAX_QUOTE = 180;

/** What conclusions about a whole migration have in common: its time, its certainty, and what proves its end. */
export function verdict(migration: Migration): Omit<Conclusion, 'summary' | 'severity' | 'remedies'> {
  return {
    // that no log says why does not make it less certain that it ended so
    confidence:
      migration.cause === null || migration.cause.certainty === 'unobserved'
        ? migration.outcomeCertainty
        : migration.cause.certainty,
    from: migration.startedAt,
    to: migration.endedAt,
    evidence: proof(migration),
    discriminator: '',
  };
}

/** The lines that tell most, `first` before those of the cause and of the outcome; never empty. */
export function proof({ cause, outcomeEvidence, events }: Migration, ...first: readonly (readonly Event[])[]): readonly Event[] {
  const telling = evidence(...first, cause?.evidence ?? [], outcomeEvidence);
  return (telling.length > 0 ? telling : events.slice(-1)).slice(0, MAX_EVIDENCE);
}

/** `i-2-12-VM from kvm-a to kvm-b`. */
export function journey(migration: Migration): string {
  return `${migration.vm} from ${sourceOf(migration)} to ${destinationOf(migration)}`;
}

/** How long it took, or has taken so far: `after 5.3 s`, or `at once`. */
export function afterTime({ startedAt, endedAt, lastSeenAt }: Migration): string {
  const ms = (endedAt ?? lastSeenAt) - startedAt;
  return ms < AT_ONCE_MS ? 'at once' : `after ${duration(ms)}`;
}

/** A text of a log as part of a sentence: in quotes, on one line, without its full stop, cut. */
export function quoted(text: string): string {
  const line = text.replace(/\s+/g, ' ').replace(/[.\s]+$/, '');
  return `"${line.length > MAX_QUOTE ? `${line.slice(0, MAX_QUOTE)}…` : line}"`;
}

/** Asks libvirt where the VM is; changes nothing. */
export function whereCheck(migration: Migration): Remedy {
  const command = hostsToType(migration)
    .map((host) => shell`virsh -c qemu+ssh://${host}/system domstate ${migration.vm} --reason`)
    .join('\n');
  return { what: 'see where it runs and how; this changes nothing', command };
}

/** A QEMU that crashes, or a host that goes down, so soon after a failed migration may have suffered by it. */
const AFTERMATH_MS = 60_000;

/**
 * Whether the VM lived on where the failed migration had left it, and its QEMU ended there later: by somebody, or in a crash too late to
 * follow from the migration. That it runs nowhere now says nothing of the migration then.
 */
export function endedLater({ after, source, endedAt, lastSeenAt }: Migration): boolean {
  const over = endedAt ?? lastSeenAt;
  const home = after.find(({ host }) => host === source);
  return (
    home?.evidence.some(({ body, at }) => {
      if (isByWish(body)) return at > over;
      return (body.kind === 'domain-stopped' || HOST_ENDS.has(body.kind)) && at > over + AFTERMATH_MS;
    }) === true
  );
}

function isByWish(body: EventBody): boolean {
  return body.kind === 'domain-stopped' && body.reason !== 'crashed' && body.reason !== 'failed';
}
