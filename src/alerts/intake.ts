import { stableId } from '../lib/hash.ts';
import { isoMs } from '../lib/units.ts';
import type { FindingMessage } from '../reports/finding-message.ts';
import type { Alert, Said, Statement } from './alert.ts';
import { groupOf } from './groups.ts';
import { policyOf } from './policies.ts';
import { goesOn, isStale, saidBy, type Intake } from './said.ts';
import { shown } from './shown.ts';

/** Findings an alert remembers, those of earlier episodes among them. */
const REMEMBERED = 20;

/** The alert that a message is about; `null` where it names nobody. */
export function alertIdOf({ cluster, finding }: FindingMessage): string | null {
  const subject = subjectOf(finding);
  return subject === null ? null : stableId(cluster, finding.detector, subject);
}

function subjectOf({ detector, vm, host }: FindingMessage['finding']): string | null {
  return policyOf(detector).about === 'vm' ? (vm ?? host) : host;
}

/**
 * The alert after a message: the very same where the message is old, comes again, or tells nothing to be woken for; `null` where
 * there is none, and none is made.
 */
export function taken(alert: Alert | null, message: FindingMessage, intake: Intake): Alert | null {
  const known = alert?.said.find(({ id }) => id === message.id);
  if (alert === null || known === undefined) return heard(alert, message, intake);
  if (isoMs(message.at) <= known.at) return alert;
  if (!isToldOf(message)) return replaced(alert, { ...known, at: isoMs(message.at), over: known.over ?? 'withdrawn' });
  const said = saidBy(message, known);
  const holds = known.over === null || (goesOn(known, said) && !isStale(said, intake));
  return holds ? saying(alert, message, { said, isNew: false, now: intake.now }) : replaced(alert, { ...said, over: known.over });
}

/** Of a finding that the alert does not know. */
function heard(alert: Alert | null, message: FindingMessage, intake: Intake): Alert | null {
  const isForgotten = isoMs(message.at) <= (alert?.forgottenAt ?? Number.NEGATIVE_INFINITY);
  if (isForgotten || !isToldOf(message)) return alert;
  const said = saidBy(message, undefined);
  if (isStale(said, intake)) return alert;
  return alert === null ? created(message, said, intake) : saying(alert, message, { said, isNew: true, now: intake.now });
}

/** Advice alarms nobody, and what became advice no longer does. */
function isToldOf({ change, finding }: FindingMessage): boolean {
  return change !== 'withdrawn' && finding.severity !== 'info';
}

function created(message: FindingMessage, said: Said, { now }: Intake): Alert | null {
  const id = alertIdOf(message);
  const subject = subjectOf(message.finding);
  if (id === null || subject === null) return null;
  return {
    id,
    cluster: message.cluster,
    detector: message.finding.detector,
    subject,
    findingId: message.id,
    finding: message.finding,
    migration: message.migration,
    quotes: message.quotes,
    spare: [],
    said: [said],
    forgottenAt: null,
    ...begun({ message, said, now, episode: 1 }),
  };
}

interface Beginning {
  readonly message: FindingMessage;
  readonly said: Said;
  readonly now: number;
  readonly episode: number;
}

/** What is new with each episode. */
function begun({ message, said, now, episode }: Beginning) {
  return {
    episode,
    group: groupOf(message),
    hosts: hostsOf(said, message),
    state: 'pending',
    count: 1,
    since: now,
    seenAt: now,
    worsenedAt: null,
    firingAt: null,
    toldAt: null,
    resolvedAt: null,
    resolvedBecause: null,
    muted: null,
    acknowledged: null,
    told: null,
  } as const satisfies Partial<Alert>;
}

function statementOf({ id, finding, migration, quotes }: FindingMessage): Statement {
  return { id, finding, migration, quotes };
}

function hostsOf({ source, destination }: Said, { finding }: FindingMessage): readonly string[] {
  return [...new Set([source, destination, finding.host].flatMap((host) => (host === null || host === '' ? [] : [host])))];
}

interface Saying {
  readonly said: Said;
  readonly isNew: boolean;
  readonly now: number;
}

/** The alert with a finding that holds: new to it, different, or holding again. */
function saying(alert: Alert, message: FindingMessage, { said, isNew, now }: Saying): Alert {
  const { kept, forgottenAt } = remembered(alert, said);
  const hosts = [...new Set([...alert.hosts, ...hostsOf(said, message)])];
  const next = { ...alert, said: kept, forgottenAt, hosts, seenAt: now, count: alert.count + (isNew ? 1 : 0) };
  const statements = [statementOf(message), { ...alert, id: alert.findingId }, ...alert.spare];
  if (alert.state !== 'resolved') return shown(next, statements, now);
  // nobody was told that it was over: it never was
  if (alert.told?.state === 'firing')
    return shown({ ...next, state: 'firing', resolvedAt: null, resolvedBecause: null }, statements, now);
  return shown({ ...next, ...begun({ message, said, now, episode: alert.episode + 1 }) }, statements, now);
}

/** The newest last; of too many those go first that are over. */
function remembered(alert: Alert, said: Said): { readonly kept: readonly Said[]; readonly forgottenAt: number | null } {
  const all = [...alert.said.filter(({ id }) => id !== said.id), said];
  if (all.length <= REMEMBERED) return { kept: all, forgottenAt: alert.forgottenAt };
  const gone = all.find(({ over }) => over !== null) ?? all[0] ?? said;
  const forgottenAt = Math.max(gone.at, alert.forgottenAt ?? gone.at);
  return { kept: all.filter((one) => one !== gone), forgottenAt };
}

function replaced(alert: Alert, said: Said): Alert {
  return { ...alert, said: alert.said.map((one) => (one.id === said.id ? said : one)) };
}
