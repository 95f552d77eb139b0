import { moment } from '../reports/incident/time.ts';
import type { Alert, AlertAction, Maintenance, Mute, Said } from './alert.ts';
import { createMatch } from './matchers.ts';
import { policyOf } from './policies.ts';

type Silence = Extract<AlertAction, { kind: 'silence' }>;

/** What people did, to be asked of each alert. */
export interface Silences {
  /** Takes in what was done; again, it changes nothing. */
  add(action: AlertAction): void;
  /** The silence that keeps an alert back now; `null` where none does. */
  of(alert: Alert, now: number): Mute | null;
  /** When the next one begins or ends, after `now`; `Infinity` where none does. */
  next(now: number): number;
}

interface Held {
  readonly silence: Silence;
  readonly mute: Mute;
  readonly matches: (alert: Alert) => boolean;
}

/** Silences in force, to come and past; ended ones are forgotten when they are asked about. */
export function createSilences(): Silences {
  const held = new Map<string, Held>();
  const expired = new Set<string>();
  return {
    add(action) {
      if (action.kind === 'expire') expired.add(action.silence);
      if (action.kind === 'silence')
        held.set(action.id, { silence: action, mute: muteOf(action), matches: createMatch(action.matchers) });
      for (const id of expired) held.delete(id);
    },
    of(alert, now) {
      for (const { silence, mute, matches } of held.values()) {
        if (silence.from <= now && now < silence.until && matches(alert)) return mute;
      }
      return null;
    },
    next(now) {
      let next = Number.POSITIVE_INFINITY;
      for (const [id, { silence }] of held) {
        if (silence.until <= now) held.delete(id);
        else next = Math.min(next, silence.from > now ? silence.from : silence.until);
      }
      return next;
    },
  };
}

function muteOf({ id, by, comment, until }: Silence): Mute {
  return {
    by: 'silence',
    id,
    because: `silenced by ${by} until ${moment(until, true)} UTC${comment === '' ? '' : `: ${comment}`}`,
  };
}

/** The maintenance window that keeps an alert back now; `null` where none does. */
export function maintenanceOf(alert: Alert, windows: readonly Maintenance[], now: number): Mute | null {
  const window = windows.find((one) => one.from <= now && now < one.until && covers(one, alert));
  if (window === undefined || !isMutable(alert)) return null;
  const { id, host, comment } = window;
  const because = `maintenance of ${host ?? alert.cluster}${comment === '' ? '' : `: ${comment}`}`;
  return { by: 'maintenance', id, because };
}

function covers({ cluster, host }: Maintenance, alert: Alert): boolean {
  return (cluster === null || cluster === alert.cluster) && (host === null || concerns(alert, host));
}

function isMutable({ detector, finding }: Alert): boolean {
  const { inMaintenance } = policyOf(detector);
  return inMaintenance === 'muted' || (inMaintenance === 'warnings-muted' && finding.severity !== 'critical');
}

/** When the next window begins or ends, after `now`; `Infinity` where none does. */
export function nextWindow(windows: readonly Maintenance[], now: number): number {
  return Math.min(...windows.flatMap(({ from, until }) => [from, until]).filter((time) => time > now));
}

/** Work on a host causes what happens to it, and to migrations that leave it: all of those that still count. */
function concerns({ detector, subject, said }: Alert, host: string): boolean {
  if (policyOf(detector).about === 'host') return subject === host;
  const counting = said.filter(({ over }) => over === null);
  return (counting.length === 0 ? said.slice(-1) : counting).every(({ source }: Said) => source === host);
}
