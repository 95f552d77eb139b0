import { bytes, duration } from '../../lib/units.ts';
import type { EventBody, EventKind } from '../../model/event.ts';

/** What one event means to its migration, in a few words, and how much it tells. */
export interface Told {
  /** The larger, the rather it is shown; see {@link WEIGHT}. */
  readonly weight: number;
  readonly text: string;
}

/** From what frames a migration to what fills it. */
export const WEIGHT = { frame: 9, end: 8, error: 7, act: 6, state: 5, step: 3, detail: 1 } as const;

type Bodies = { readonly [K in EventKind]: Extract<EventBody, { readonly kind: K }> };
type Tellers = { readonly [K in EventKind]?: (body: Bodies[K]) => Told | null };

/** Events that say something by themselves; frames, probes, passes and samples are told in groups (`lane-events.ts`). */
const TELLERS: Tellers = {
  'migrate-requested': ({ address }) => ({ weight: WEIGHT.frame, text: `migration to ${address} requested` }),
  'destination-prepared': () => ({ weight: WEIGHT.step, text: 'prepared' }),
  'domain-started': ({ incoming }) => {
    if (incoming === null) return { weight: WEIGHT.act, text: 'QEMU starts; the log is cut where it tells what for' };
    return incoming
      ? { weight: WEIGHT.act, text: 'QEMU starts, waits for the VM' }
      : { weight: WEIGHT.error, text: 'VM started here' };
  },
  'migrate-initiated': ({ resumed }) => ({
    weight: WEIGHT.act,
    text: resumed ? 'post-copy is recovered' : 'memory stream begins',
  }),
  'guest-pause-requested': ({ afterMs }) => ({ weight: WEIGHT.act, text: `agent pauses the guest after ${duration(afterMs)}` }),
  'guest-resume-requested': () => ({ weight: WEIGHT.act, text: 'agent resumes the guest' }),
  'guest-resume-failed': ({ text }) => ({ weight: WEIGHT.end, text: `agent cannot resume the guest: ${firstLine(text)}` }),
  'abort-requested': ({ reason }) => ({ weight: WEIGHT.act, text: `CloudStack aborts: ${reason}` }),
  'downtime-limit-set': ({ downtimeMs }) => ({ weight: WEIGHT.act, text: `downtime limit set to ${duration(downtimeMs)}` }),
  'guest-run-state': ({ running }) => ({ weight: WEIGHT.state, text: running ? 'guest runs' : 'guest stands still' }),
  'migration-status': ({ status, errorText }) => statusTold(status, errorText),
  'daemon-message': ({ level, text }) => ({ weight: level === 'error' ? WEIGHT.error : WEIGHT.step, text: firstLine(text) }),
  'qemu-message': ({ level, text }) =>
    level === 'info' ? null : { weight: level === 'error' ? WEIGHT.error : WEIGHT.detail, text: firstLine(text) },
  'qemu-terminated': ({ signal, by }) => ({
    weight: WEIGHT.detail,
    text: `QEMU ends on signal ${signal}${by === null ? '' : ` from ${by}`}`,
  }),
  'domain-stopped': ({ reason }) => ({ weight: WEIGHT.end, text: `QEMU ended: ${reason}` }),
  'migrate-error': ({ text }) => ({ weight: WEIGHT.end, text: `client told: ${firstLine(text)}` }),
  'migrate-succeeded': () => ({ weight: WEIGHT.end, text: 'client told: succeeded' }),
  'migrate-thread-ended': () => ({ weight: WEIGHT.detail, text: 'migration thread ended' }),
  'job-completed': ({ downtimeMs }) => ({
    weight: WEIGHT.state,
    text: `completed${downtimeMs === null ? '' : `, downtime ${duration(downtimeMs)}`}`,
  }),
  'domain-missing': () => null,
  'quoted-message': ({ meaning }) => ({ weight: WEIGHT.end, text: `another tool says: ${meaning}` }),
  'connection-lost': ({ to }) => ({
    weight: WEIGHT.error,
    text: `agent lost its ${to === 'libvirtd' ? 'libvirtd' : 'management server'}`,
  }),
  'heartbeat-write-failed': ({ attempt, attempts }) => ({
    weight: WEIGHT.error,
    text: `heartbeat write failed, try ${attempt} of ${attempts}`,
  }),
  'host-resetting': ({ reason }) => ({ weight: WEIGHT.frame, text: `agent gives up on the heartbeat: ${firstLine(reason)}` }),
  'host-booted': () => ({ weight: WEIGHT.frame, text: 'the host starts anew' }),
  'daemon-started': () => ({ weight: WEIGHT.error, text: "libvirt's daemon starts" }),
  'agent-ended': ({ reason }) => ({
    weight: WEIGHT.error,
    text: reason === null ? 'CloudStack agent starts' : `CloudStack agent stops: ${reason}`,
  }),
  'storage-message': ({ text }) => ({ weight: WEIGHT.error, text: firstLine(text) }),
};

/** What an event says; `null` where it says nothing to a reader by itself. */
export function told<K extends EventKind>(kind: K, body: Bodies[K]): Told | null {
  const teller: Tellers[K] = TELLERS[kind];
  return teller?.(body) ?? null;
}

/** A pass that begins. */
export function passTold(pass: number, remainingBytes: number): Told {
  return { weight: WEIGHT.step, text: `pass ${pass}: ${bytes(remainingBytes)} to copy` };
}

const ENDINGS = new Set(['failed', 'cancelled', 'completed']);

function statusTold(status: string, errorText: string | null): Told {
  const weight = ENDINGS.has(status) || status.startsWith('postcopy') ? WEIGHT.state : WEIGHT.detail;
  return { weight, text: `migration ${status}${errorText === null ? '' : `: ${firstLine(errorText)}`}` };
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0]?.trim() ?? '';
}
