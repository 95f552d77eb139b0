import { AppError } from '../lib/errors.ts';
import { limitProblem } from '../reports/limit-problem.ts';

/** Limits by detector and name. */
export type WrittenLimits = Readonly<Record<string, Readonly<Record<string, number>>>>;

/**
 * Reads `--limit DETECTOR.NAME=NUMBER`, given several times; where the command is about one detector, `NAME=NUMBER` will do.
 *
 * @throws AppError `usage` where there is no such detector or limit, or it does not take that number.
 */
export function limitOptions(values: readonly string[], only: string | null = null): WrittenLimits {
  const limits: Record<string, Record<string, number>> = {};
  for (const value of values) {
    const { id = only, name, number } = /^(?:(?<id>[^.=]+)\.)?(?<name>[^=.]+)=(?<number>.+)$/.exec(value)?.groups ?? {};
    if (id === null || name === undefined) {
      const [form, example] = only === null ? ['DETECTOR.NAME', 'downtime-exceeded.warnMs=2000'] : ['NAME', 'warnMs=2000'];
      throw new AppError('usage', `--limit ${value}: not of the form ${form}=NUMBER`, { hint: `for example --limit ${example}` });
    }
    if (only !== null && id !== only) {
      throw new AppError('usage', `--limit ${value}: a limit of another detector than ${only}`, {
        hint: 'name one detector and its own limits',
      });
    }
    const own = { ...limits[id], [name]: Number(number) };
    limits[id] = own;
    const wrong = limitProblem(id, name, own);
    if (wrong !== null) throw new AppError('usage', `--limit ${value}: ${wrong.problem}`, { hint: wrong.hint });
  }
  return limits;
}
