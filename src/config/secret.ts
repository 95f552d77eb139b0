import { z } from 'zod';
import { elementOf, layersOf, shapeOf, variantOf } from './schema-walk.ts';

/** What stands for a secret wherever a configuration is shown. */
const MASK = '***';

/** What stands before the host of an address, with or without a scheme: all up to the last @, for a password may hold anything. */
const CREDENTIALS = /^([a-z][\w+.-]*:\/\/|).*@/is;

/** A password, token or key: never printed. Any other schema becomes one by `.meta({ secret: true })`. */
export const secret = z.string().min(1).meta({ secret: true });

/** True where a schema, or one it wraps, is marked as a secret: what is set is not quoted. */
export function isSecret(schema: z.ZodType): boolean {
  return secretOf(schema) !== undefined;
}

/** `true`, or `credentials` of an address in which user and password may stand, and which is shown without. */
function secretOf(schema: z.ZodType): unknown {
  return layersOf(schema)
    .map((layer) => layer.meta()?.['secret'])
    .find((meant) => meant !== undefined);
}

/** A copy in which `***` stands for every secret that is set; `null` stays, for it tells that there is none. */
export function masked(schema: z.ZodType, value: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (secretOf(schema) === 'credentials' && typeof value === 'string') return value.replace(CREDENTIALS, `$1${MASK}@`);
  if (isSecret(schema)) return MASK;
  if (Array.isArray(value)) {
    const element = elementOf(schema);
    return element === null ? value : value.map((one) => masked(element, one));
  }
  if (typeof value !== 'object') return value;
  const shape = shapeOf(variantOf(schema, value));
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, shape[key] === undefined ? one : masked(shape[key], one)]),
  );
}
