import { AppError } from '../lib/errors.ts';

/**
 * What `parseArgs` makes of a command line.
 *
 * @throws AppError `usage` with Node's own words for what is wrong, its advice about `--` aside.
 */
export function orUsage<T>(parse: () => T, hint: string): T {
  try {
    return parse();
  } catch (cause) {
    const message = cause instanceof Error ? (cause.message.split('. ')[0] ?? cause.message) : String(cause);
    throw new AppError('usage', message, { hint, cause });
  }
}
