import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { z } from 'zod';
import { readYaml, type YamlFile } from './config/document.ts';
import { machineZone } from './config/machine-zone.ts';
import { faultsOf, pathText, type Fault, type Problem } from './config/problems.ts';
import { configSchema } from './config/schema.ts';
import { masked } from './config/secret.ts';
import { fillVariables, type MissingVariable } from './config/variables.ts';
import { hintPattern } from './ingest/identify.ts';
import { AppError } from './lib/errors.ts';
import type { ProxySettings } from './notify/http-proxy.ts';
import { currentUser } from './lib/user.ts';

type Written = z.infer<typeof configSchema>;

/** A configuration in force: checked, every default in place, what depends on the machine filled in. */
export interface Config extends Omit<Written, 'host' | 'timezone' | 'data'> {
  readonly host: string;
  readonly timezone: string;
  /** Absolute path. */
  readonly data: string;
}

/** Where the configuration is looked for when nobody names a file. */
export const DEFAULT_CONFIG_FILE = '/etc/precopy/precopy.yaml';

/** The file that is read: the one named, else the usual one where it exists; `null`: defaults only. */
export function configFile(named: string | null): string | null {
  return named ?? (existsSync(DEFAULT_CONFIG_FILE) ? DEFAULT_CONFIG_FILE : null);
}

/**
 * Reads and checks a configuration; without a file the usual one, or the defaults for this machine.
 *
 * @throws AppError `config` that lists every problem, `not-found` or `unreadable` where the file cannot be read.
 */
export function loadConfig(named: string | null, env: NodeJS.ProcessEnv): Config {
  const file = configFile(named);
  const { value, problems } = checkedConfig(file === null ? '' : textOf(file), configSchema, env);
  if (value === null) throw configError(file ?? 'the configuration', problems);
  return forThisMachine(value, env);
}

/** A configuration as YAML, secrets as `***`. */
export function renderConfig(config: Config): string {
  return stringify(masked(configSchema, config), { lineWidth: 0 });
}

/** Everything that is wrong with a configuration, or its value. */
export interface Checked<T> {
  /** `null` where there is any problem. */
  readonly value: T | null;
  /** In the order of the file. */
  readonly problems: readonly Problem[];
}

/** Checks the text of a configuration file against a schema: syntax, variables, every key and value, and what two values may not share. */
export function checkedConfig<T extends z.ZodType>(text: string, schema: T, env: NodeJS.ProcessEnv): Checked<z.infer<T>> {
  const file = readYaml(text);
  const { value, missing } = fillVariables(file.value, env);
  const parsed = schema.safeParse(value);
  // a value with a variable that is missing has one problem, not two
  const unfilled = new Set(missing.map(({ path }) => pathText(path)));
  const wrong = faultsOf(parsed.error?.issues ?? [], schema, value).filter(({ path }) => !unfilled.has(pathText(path)));
  const faults = [...missing.map(missingFault), ...wrong, ...sharedPaths(value), ...unknownNotifiers(value)];
  const problems = [...file.problems, ...faults.map((fault) => placed(fault, file))].toSorted(inFileOrder);
  return { value: problems.length === 0 && parsed.success ? parsed.data : null, problems };
}

/** What is wrong with a file, as one error. */
function configError(file: string, problems: readonly Problem[]): AppError {
  const lines = problems.map(({ path, place, what, hint }) => {
    const where = place === null ? '' : `${place.line}:${place.column} `;
    const key = path.length === 0 ? '' : `${pathText(path)}: `;
    return `  ${where}${key}${what}${hint === null ? '' : ` (${hint})`}`;
  });
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return new AppError('config', [`${file} has ${count}:`, ...lines].join('\n'), {
    hint: 'keys and their meaning: docs/configuration.md',
  });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    if (code === 'ENOENT') throw new AppError('not-found', `${file}: no such file`, { hint: 'name one with -c FILE', cause });
    throw new AppError('unreadable', `${file}: cannot be read (${code})`, {
      hint: 'it must be a file that this user may read',
      cause,
    });
  }
}

function forThisMachine(written: Written, env: NodeJS.ProcessEnv): Config {
  return {
    ...written,
    host: written.host ?? hostname(),
    timezone: written.timezone ?? machineZone({ ofProcess: zoneOfProcess(), link: '/etc/localtime' }),
    data: written.data ?? dataFolder(env),
    alerts: { ...written.alerts, proxy: proxiesOf(written.alerts.proxy, env) },
  };
}

/** What the file leaves open, the environment says: in small letters, as curl takes it, or in capitals. */
function proxiesOf({ https, http, no }: ProxySettings, env: NodeJS.ProcessEnv): ProxySettings {
  const named = (name: string): string | null => env[name] ?? env[name.toUpperCase()] ?? null;
  return { https: https ?? named('https_proxy'), http: http ?? named('http_proxy'), no: no ?? named('no_proxy') };
}

function zoneOfProcess(): string | undefined {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function dataFolder(env: NodeJS.ProcessEnv): string {
  const { root, home } = currentUser();
  const own = env['HOME'] ?? home;
  return root || own === null ? '/var/lib/precopy' : join(own, '.local/share/precopy');
}

function missingFault({ path, name, wellFormed }: MissingVariable): Fault {
  return {
    path,
    at: 'value',
    what: wellFormed ? `the environment has no variable ${name}` : `\${${name}} names no variable`,
    hint: wellFormed ? `set ${name}, or write $\${${name}} for the text itself` : 'write $${ for the text ${ itself',
  };
}

/** Files that two entries would follow: every line would be read twice. Looks at values of any shape, for others may be wrong as well. */
function sharedPaths(value: unknown): readonly Fault[] {
  const files = pathsIn(value);
  return files.flatMap(({ path, index }, i) => {
    const other = files
      .slice(0, i)
      .find((earlier) => earlier.path === path || covers(earlier.path, path) || covers(path, earlier.path));
    if (other === undefined) return [];
    return [
      {
        path: ['collect', 'files', index, 'path'],
        at: 'value' as const,
        what: `${path} is also followed by collect.files[${other.index}] (${other.path})`,
        hint: 'leave one of the two',
      },
    ];
  });
}

function pathsIn(value: unknown): readonly { readonly path: string; readonly index: number }[] {
  const files = keyOf(keyOf(value, 'collect'), 'files');
  if (!Array.isArray(files)) return [];
  return files.flatMap((file: unknown, index) => {
    const path = keyOf(file, 'path');
    return typeof path === 'string' ? [{ path, index }] : [];
  });
}

/** Names that stand for a notifier, of which there is none, or none of that type. Looks at values of any shape, too. */
function unknownNotifiers(value: unknown): readonly Fault[] {
  const alerts = keyOf(value, 'alerts');
  const listed = keyOf(alerts, 'notifiers');
  const types = new Map((Array.isArray(listed) ? listed : []).map((one: unknown) => [keyOf(one, 'name'), keyOf(one, 'type')]));
  const mailed = keyOf(keyOf(value, 'report'), 'mail');
  const from = keyOf(alerts, 'maintenanceFrom');
  const named = [
    ...(typeof from === 'string' ? [{ path: ['alerts', 'maintenanceFrom'], name: from, type: 'cloudstack' }] : []),
    ...(Array.isArray(mailed) ? mailed : []).map((name: unknown, i) => ({ path: ['report', 'mail', i], name, type: 'email' })),
  ];
  return named
    .filter(({ name, type }) => types.get(name) !== type)
    .map(({ path, name, type }) => ({
      path,
      at: 'value' as const,
      what: `no notifier of type ${type} has the name ${String(name)}`,
      hint: `name one of alerts.notifiers whose type is ${type}`,
    }));
}

function keyOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

/** A pattern matches a plain path. */
function covers(pattern: string, path: string): boolean {
  return /[*?]/.test(pattern) && !/[*?]/.test(path) && hintPattern(pattern).test(path);
}

function placed({ at, ...fault }: Fault, file: YamlFile): Problem {
  return { ...fault, place: file.placeOf(fault.path, at) };
}

function inFileOrder(a: Problem, b: Problem): number {
  return (a.place?.line ?? 0) - (b.place?.line ?? 0) || (a.place?.column ?? 0) - (b.place?.column ?? 0);
}
