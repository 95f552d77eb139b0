import type { Path } from './schema-walk.ts';

/** A `${NAME}` that stands for nothing. */
export interface MissingVariable {
  readonly path: Path;
  readonly name: string;
  /** The name is one that an environment could hold. */
  readonly wellFormed: boolean;
}

/** A configuration with its variables filled in. */
export interface Filled {
  readonly value: unknown;
  readonly missing: readonly MissingVariable[];
}

/** `$${` writes a literal `${`. */
const REFERENCE = /\$\$\{|\$\{([^}]*)\}/g;

/**
 * Puts the environment's values in the place of `${NAME}`, in string values only, and never in keys. It is done after YAML is
 * parsed, so that a value cannot bring keys, comments or quotes with it.
 */
export function fillVariables(value: unknown, env: NodeJS.ProcessEnv, path: Path = []): Filled {
  if (typeof value === 'string') return filledText(value, env, path);
  if (Array.isArray(value)) {
    const parts = value.map((one: unknown, i) => fillVariables(one, env, [...path, i]));
    return { value: parts.map((part) => part.value), missing: parts.flatMap(({ missing }) => missing) };
  }
  if (typeof value !== 'object' || value === null) return { value, missing: [] };
  const parts = Object.entries(value).map(([key, one]) => [key, fillVariables(one, env, [...path, key])] as const);
  return {
    value: Object.fromEntries(parts.map(([key, part]) => [key, part.value])),
    missing: parts.flatMap(([, { missing }]) => missing),
  };
}

function filledText(text: string, env: NodeJS.ProcessEnv, path: Path): Filled {
  const missing: MissingVariable[] = [];
  const value = text.replace(REFERENCE, (written: string, name: string | undefined) => {
    if (name === undefined) return '${';
    const found = env[name];
    if (found !== undefined) return found;
    missing.push({ path, name, wellFormed: /^[A-Za-z_]\w*$/.test(name) });
    return written;
  });
  return { value, missing };
}
