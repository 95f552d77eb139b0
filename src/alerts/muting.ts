import type { Alert, Maintenance, Mute, Said } from './alert.ts';
import { createCauses, isHostCause, type Causes } from './causes.ts';
import { maintenanceOf, nextWindow, type Silences } from './mutes.ts';
import type { Shelf } from './shelf.ts';

/** Says of each alert why it is not told: what people said first, then what explains all of its findings. */
export interface Muting {
  /** @param isNews whether people did something since the last time */
  mute(now: number, maintenance: readonly Maintenance[], isNews: boolean): void;
}

/**
 * Mutes the alerts of a shelf. Of thousands it looks at those that changed and at those of the same migrations; at all of them where
 * the storage of a host changed, where people did something, when a silence or a window begins or ends, and the first time.
 */
export function createMuting(shelf: Shelf, silences: Silences): Muting {
  let validUntil = Number.NEGATIVE_INFINITY;
  let windows = '';
  let hostCauses: readonly string[] = [];

  function isOfAll(touched: ReadonlySet<string>, now: number): boolean {
    return now >= validUntil || [...touched].some((id) => isHostCause(shelf.get(id)?.detector ?? ''));
  }

  return {
    mute(now, maintenance, isNews) {
      const known = JSON.stringify(maintenance);
      if (isNews || known !== windows) validUntil = Number.NEGATIVE_INFINITY;
      windows = known;
      const touched = shelf.touched();
      const all = isOfAll(touched, now) ? [...shelf.all()] : null;
      validUntil = Math.min(silences.next(now), nextWindow(maintenance, now));
      if (all !== null) hostCauses = all.flatMap(({ id, detector }) => (isHostCause(detector) ? [id] : []));
      const judged = all ?? withCompanions(shelf, touched);
      const suspects = all ?? withCompanions(shelf, [...judged.map(({ id }) => id), ...hostCauses]);
      const outside = asked((alert) => silences.of(alert, now) ?? maintenanceOf(alert, maintenance, now));
      const isTold = (alert: Alert): boolean => alert.toldAt !== null || (alert.state === 'firing' && outside(alert) === null);
      const causes = createCauses({ alerts: suspects, find: shelf.get, isTold });
      for (const alert of judged) shelf.put(withMute(alert, causes, outside(alert)));
    },
  };
}

/** Asks once of each alert; what is settled is kept back by nobody. */
function asked(ask: (alert: Alert) => Mute | null): (alert: Alert) => Mute | null {
  const known = new Map<string, Mute | null>();
  return (alert) => {
    const before = known.get(alert.id);
    if (before !== undefined) return before;
    const mute = isSettled(alert) ? null : ask(alert);
    known.set(alert.id, mute);
    return mute;
  };
}

/** The alerts of these ids, and those with a finding about one of their migrations. */
function withCompanions(shelf: Shelf, ids: Iterable<string>): readonly Alert[] {
  const own = [...ids].flatMap((id) => shelf.get(id) ?? []);
  const migrations = own.flatMap(({ said }) => said.flatMap(({ migration }) => migration ?? []));
  const all = new Set([...own.map(({ id }) => id), ...migrations.flatMap((migration) => [...shelf.ofMigration(migration)])]);
  return [...all].flatMap((id) => shelf.get(id) ?? []);
}

function withMute(alert: Alert, causes: Causes, outside: Mute | null): Alert {
  if (isSettled(alert)) return alert;
  const said = alert.state === 'resolved' ? alert.said : explainedBy(causes, alert);
  const next = outside ?? byCause(alert, said);
  return said === alert.said && isSame(next, alert.muted) ? alert : { ...alert, said, muted: next };
}

/** Over, and told to be so, or never told. */
export function isSettled({ state, told }: Alert): boolean {
  return state === 'resolved' && told?.state !== 'firing';
}

function explainedBy(causes: Causes, alert: Alert): readonly Said[] {
  let isNew = false;
  const said = alert.said.map((one) => {
    if (one.over !== null) return one;
    const cause = causes.of(alert, one);
    if (cause?.id === one.explainedBy?.id && cause?.because === one.explainedBy?.because) return one;
    isNew = true;
    return { ...one, explainedBy: cause };
  });
  return isNew ? said : alert.said;
}

function byCause({ state, muted, findingId }: Alert, said: readonly Said[]): Mute | null {
  if (state === 'resolved') return muted?.by === 'cause' ? muted : null;
  const counting = said.filter(({ over }) => over === null);
  if (counting.some((one) => one.explainedBy === null)) return null;
  const shown = counting.find(({ id }) => id === findingId) ?? counting.at(-1);
  return shown?.explainedBy == null ? null : { by: 'cause', ...shown.explainedBy };
}

function isSame(a: Mute | null, b: Mute | null): boolean {
  return a === b || (a !== null && b !== null && a.by === b.by && a.id === b.id && a.because === b.because);
}
