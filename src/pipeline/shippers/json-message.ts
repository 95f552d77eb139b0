import type { z } from 'zod';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The JSON of a message, checked, or what is wrong with it. */
export function readJson<T>(value: Uint8Array, schema: z.ZodType<T>): { readonly found: T } | { readonly problem: string } {
  const text = textOf(value);
  if (text === null) return { problem: 'not UTF-8' };
  const parsed = parsedJson(text);
  if ('problem' in parsed) return parsed;
  const checked = schema.safeParse(parsed.json);
  if (checked.success) return { found: checked.data };
  const problems = checked.error.issues.map(
    ({ path, message }) => `${path.length === 0 ? 'message' : path.join('.')}: ${message}`,
  );
  return { problem: problems.slice(0, MOST_PROBLEMS).join('; ') };
}

const MOST_PROBLEMS = 5;

/** Bytes as UTF-8; `null` where they are none. */
export function textOf(value: Uint8Array): string | null {
  try {
    return utf8.decode(value);
  } catch {
    return null;
  }
}

function parsedJson(text: string): { readonly json: unknown } | { readonly problem: string } {
  try {
    return { json: JSON.parse(text) as unknown };
  } catch (error) {
    return { problem: `not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** ISO 8601 → Unix ms; `null` where it is none. */
export function instantOf(text: string | null | undefined): number | null {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? null : at;
}

/** A text without the line break at its end: shippers that join lines leave one there. */
export function withoutBreak(text: string): string {
  return text.replace(/\r?\n$/, '');
}
