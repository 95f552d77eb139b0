import { detectors } from '../../detectors/index.ts';
import { whereNow } from '../../detectors/words.ts';
import { plural } from '../../lib/units.ts';
import type { Finding, Remedy } from '../../model/finding.ts';
import type { HostState, Migration } from '../../model/timeline.ts';
import type { Analysis } from '../analysis.ts';
import { isProblem, isUnexplained, type Block } from './blocks.ts';
import { moment, stretch } from './time.ts';

/** What there is to say without a finding. */
export interface Verdict {
  readonly text: string;
  /** Every migration went well. */
  readonly good: boolean;
}

/** The verdict where no detector found a problem: good news only where every migration went well. */
export function verdictOfNone({ migrations, outside }: Pick<Analysis, 'migrations' | 'outside'>): Verdict {
  if (migrations.length === 0 && outside > 0)
    return { text: `No live migration touches the time asked for; ${outside} outside it.`, good: false };
  if (migrations.length === 0) return { text: 'No live migration is in these files.', good: false };
  const ended = migrations.filter(isUnexplained);
  if (ended.length === 0) return openEnds(migrations);
  const which = ended.length === 1 ? '1 migration did not complete' : `${ended.length} migrations did not complete`;
  const them = ended.length === 1 ? 'it' : 'them';
  return { text: `${which}, and no detector says why; see below what was seen of ${them}.`, good: false };
}

/** A migration whose end nobody saw, or has not come, went neither well nor wrong. */
function openEnds(migrations: readonly Migration[]): Verdict {
  const unseen = migrations.filter(({ outcome }) => outcome === 'unknown').length;
  const running = migrations.filter(({ outcome }) => outcome === 'running').length;
  if (unseen + running === 0) return { text: 'Nothing wrong was found.', good: true };
  const of = (count: number): string =>
    migrations.length === 1 ? 'the migration' : `${count} of ${plural(migrations.length, 'migration')}`;
  const parts = [
    ...(running === 0 ? [] : [`${of(running)} still ran when these logs end`]),
    ...(unseen === 0 ? [] : [`how ${of(unseen)} ended is not in these logs`]),
  ];
  return { text: `Nothing wrong was found; ${parts.join(', and ')}.`, good: false };
}

/** `kvm-a → kvm-b`, with a question mark for what is unknown. */
export function routeOf({ source, destination, destinationAddress }: Migration, arrow = '→'): string {
  return `${source ?? '?'} ${arrow} ${destination ?? destinationAddress ?? '?'}`;
}

/** When a finding holds: `04:42:33 to 04:42:38`, `since 04:42:33, still running`. */
export function timeOf({ from, to }: Finding, migration: Migration | null, withDates: boolean): string {
  if (to !== null) return stretch(from, to, withDates);
  return `since ${moment(from, withDates)}${migration?.outcome === 'running' ? ', still running' : ''}`;
}

/** What the head of a block says, without the sentence on where the VM is: that stands below it for every host. */
export function summaryOf({ summary }: Finding, migration: Migration | null): string {
  if (migration === null || migration.after.length === 0) return summary;
  const sentence = whereNow(migration);
  return sentence.includes('(') ? summary.replace(sentence, '').trim() : summary;
}

/** Why one thinks that the VM is in this state on this host. */
export function whyNow({ certainty, because }: HostState): string {
  return `${certainty === 'unobserved' ? 'not observed' : certainty}: ${because}`;
}

/** Another problem of the same migration, as it stands below the head. */
export interface Also {
  readonly finding: Finding;
  /** Without what the head has said. */
  readonly summary: string;
  /** Without those that stand above. */
  readonly remedies: readonly Remedy[];
  /** A finding of the same detector stands above, so what to do differs in names only. */
  readonly again: boolean;
}

/** The other problems of a block, the worst first. */
export function alsoIn({ head, rest, migration }: Block): readonly Also[] {
  const where = migration === null ? '' : ` ${whereNow(migration)}`;
  return rest.map((finding, i) => {
    const above = [head, ...rest.slice(0, i)];
    const given = new Set(above.flatMap(({ remedies }) => remedies.map(nameOf)));
    const remedies = finding.remedies.filter((remedy) => !given.has(nameOf(remedy)));
    return {
      finding,
      summary: where === '' ? finding.summary : finding.summary.replace(where, ''),
      remedies,
      again: remedies.length > 0 && above.some(({ detector }) => detector === finding.detector),
    };
  });
}

/** A command that names its host is the same whatever is said of it; another one may be for another host. */
function nameOf({ command, what }: Remedy): string {
  return command?.includes('://') === true ? command : `${what}\n${command ?? ''}`;
}

/** What a remedy is for, as it stands before its command. */
export function purposeOf({ what, command }: Remedy): string {
  return what + (command === null || what.endsWith(':') ? '' : ':');
}

/** A finding that only says that it failed, named after the head that says why. */
export function foldedWords({ severity, detector }: Finding, head: Finding): string {
  const worse = severity === 'critical' && head.severity !== 'critical' ? ` (${severity})` : '';
  return `${detector}${worse}`;
}

/** Whether a chart of the passes belongs to a block: it shows what `not-converging` says. */
export function hasChart({ migration, head, rest }: Block): boolean {
  return migration !== null && [head, ...rest].some(({ detector }) => detector === 'not-converging');
}

/** Advice of one kind. */
export interface AdviceKind {
  readonly detector: string;
  readonly findings: readonly Finding[];
}

/** What nobody has to act on tonight, by kind: what is said of a migration before what holds of a host every day. */
export function adviceOf({ findings }: Pick<Analysis, 'findings'>): readonly AdviceKind[] {
  const infos = findings.filter((finding) => !isProblem(finding));
  const ofHosts = (detector: string): boolean => detectors.some(({ id, subject }) => id === detector && subject === 'host');
  const kinds = [...new Set(infos.map(({ detector }) => detector))].toSorted((a, b) => Number(ofHosts(a)) - Number(ofHosts(b)));
  return kinds.map((detector) => ({ detector, findings: infos.filter((finding) => finding.detector === detector) }));
}

/** The migrations whose course is worth showing: a healthy one is its line in the table. */
export function troubledMigrations({ migrations }: Pick<Analysis, 'migrations'>, blocks: readonly Block[]): readonly Migration[] {
  return [...new Set([...blocks.flatMap(({ migration }) => migration ?? []), ...migrations.filter(isUnexplained)])];
}
