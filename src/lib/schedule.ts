import { Cron } from 'croner';

/** Whether a text is a schedule as cron writes it: minute, hour, day of the month, month, day of the week. */
export function isSchedule(text: string): boolean {
  try {
    return new Cron(text, { mode: '5-part', paused: true }).nextRun() !== null;
  } catch {
    return false;
  }
}

/** Calls `work` whenever a schedule says so, in the clocks of a zone, until the returned function is called. A call that comes while one runs is left out. */
export function startSchedule({ pattern, zone }: Schedule, work: () => Promise<void>): () => void {
  const cron = new Cron(pattern, { mode: '5-part', timezone: zone, protect: true, unref: true }, work);
  return () => cron.stop();
}

/** When something is done. */
export interface Schedule {
  /** See `isSchedule`. */
  readonly pattern: string;
  /** IANA zone. */
  readonly zone: string;
}
