import { builtinModules } from 'node:module';
import type { Node } from 'oxc-parser';
import { folderOf, walk, type Module } from './module.ts';
import { referencesIn } from './names.ts';

/** A rule of the house that a file of `src` can break. */
export interface ArchitectureRule {
  readonly name: string;
  /** What to do about a violation. */
  readonly remedy: string;
  check(module: Module): readonly Violation[];
  /** Files that break it, as `[path, text]`; each must be caught. */
  readonly broken: readonly (readonly [path: string, text: string])[];
  /** Files that look like it and are fine. */
  readonly fine: readonly (readonly [path: string, text: string])[];
}

/** Where a file breaks a rule, and how. */
export interface Violation {
  readonly offset: number;
  readonly problem: string;
}

/** Folders (and files directly in `src`) from the leaves up: each may import what stands before its own row, and itself. */
const LAYERS: readonly (readonly string[])[] = [
  ['lib'],
  ['model'],
  ['parsers'],
  ['timeline'],
  ['detectors'],
  ['reports'],
  ['alerts'],
  ['stream', 'store', 'notify'],
  ['forensics'],
  ['ingest'],
  ['pipeline'],
  ['config'],
  ['web'],
  ['commands'],
  ['cli'],
];

/** No clock, no I/O, no logger, no randomness: that makes analyze, replay and tests one thing. */
const PURE = new Set(['model', 'parsers', 'timeline', 'detectors', 'reports', 'alerts']);

/** Who may import a technology, as beginnings of paths. A package that is not here has no owner yet. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  luxon: ['src/timeline/zone.ts'],
  zod: [
    'src/lib/duration.ts',
    'src/parsers/',
    'src/detectors/',
    'src/reports/',
    'src/alerts/',
    'src/notify/',
    'src/stream/',
    'src/store/',
    'src/forensics/',
    'src/ingest/',
    'src/pipeline/',
    'src/config',
    'src/web/',
  ],
  lmdb: ['src/stream/embedded'],
  kafkajs: ['src/stream/kafka'],
  snappy: ['src/stream/kafka/codecs.ts'],
  'lz4-napi': ['src/stream/kafka/codecs.ts'],
  '@mongodb-js/zstd': ['src/lib/zstd.ts'],
  nodemailer: ['src/notify/email.ts'],
  'nodemailer/lib/smtp-transport': ['src/notify/email.ts'],
  'https-proxy-agent': ['src/notify/http-proxy.ts'],
  '@clickhouse/client': ['src/store/'],
  chdb: ['src/store/'],
  'chdb/connection': ['src/store/'],
  yaml: ['src/config'],
  croner: ['src/lib/schedule.ts'],
  pino: ['src/lib/log.ts'],
  'prom-client': ['src/lib/metrics.ts'],
  hono: ['src/web/'],
  'hono/body-limit': ['src/web/'],
  'hono/streaming': ['src/web/'],
  '@hono/node-server': ['src/web/'],
  'node:child_process': ['src/ingest/', 'src/stream/kafka/client.ts'],
  'node:dgram': ['src/ingest/'],
  'node:net': ['src/ingest/', 'src/notify/no-proxy.ts'],
  'node:http': ['src/web/', 'src/store/server-connection.ts', 'src/notify/http'],
  'node:https': ['src/store/server-connection.ts', 'src/notify/http'],
  'node:tls': ['src/store/server-connection.ts'],
  'node:fs': ['src/ingest/', 'src/lib/', 'src/commands/', 'src/stream/', 'src/store/', 'src/config'],
  'node:fs/promises': ['src/ingest/', 'src/lib/', 'src/commands/', 'src/stream/', 'src/store/', 'src/config', 'src/notify/'],
  'node:zlib': ['src/ingest/', 'src/lib/', 'src/commands/', 'src/stream/', 'src/store/server-connection.ts'],
  'node:process': ['src/cli.ts', 'src/lib/'],
  'node:worker_threads': ['src/ingest/'],
};

const IMPURE_GLOBALS = new Set([
  'process',
  'console',
  'fetch',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'performance',
  'crypto',
  'globalThis',
]);

/** What may stand between a doc comment and its export. */
const DIRECTIVES = /^\s*(?:\/\/ oxlint-disable-next-line .*\s*)?$/;

const NAMES_OF_NOTHING = new Set([
  'util',
  'utils',
  'helper',
  'helpers',
  'service',
  'services',
  'common',
  'misc',
  'manager',
  'types',
]);

/** Every rule that `src` keeps, one test each. */
export const rules: readonly ArchitectureRule[] = [
  {
    name: 'imports point one way',
    remedy: `move what both need to a folder further left, or pass it in (${LAYERS.map((row) => row.join(', ')).join(' ← ')})`,
    check(module) {
      const level = levelOf(module.folder);
      if (level < 0) return [{ offset: 0, problem: `src/${module.folder} has no place in LAYERS of test/architecture/rules.ts` }];
      return module.imports.flatMap(({ target, offset }) => {
        if (target === null) return [];
        if (!target.startsWith('src/')) return [{ offset, problem: `imports ${target}, which is not in src` }];
        const folder = folderOf(target);
        const allowed = folder === module.folder || levelOf(folder) < level;
        return allowed ? [] : [{ offset, problem: `${module.folder} imports ${folder} (${target})` }];
      });
    },
    broken: [
      ['src/model/event.ts', "import { scan } from '../parsers/scan.ts';"],
      ['src/lib/clock.ts', "import type { Event } from '../model/event.ts';"],
      ['src/detectors/week.ts', "export * from '../reports/json.ts';"],
      ['src/timeline/build.ts', "const late = await import('../commands/analyze.ts');"],
      ['src/detectors/slow.ts', "import { cli } from '../cli.ts';"],
      ['src/detectors/slow.ts', "import { story } from '../../test/story.ts';"],
      ['src/things/thing.ts', ''],
    ],
    fine: [
      ['src/parsers/scan.ts', "import type { Event } from '../model/event.ts'; import { numberOf } from './text.ts';"],
      ['src/cli.ts', "import { analyze } from './commands/analyze.ts';"],
      ['src/commands/up.ts', "import { readInput } from '../ingest/read.ts';"],
    ],
  },
  {
    name: 'a technology has one importer',
    remedy: 'call its owner instead; a new package gets a row in OWNERS of test/architecture/rules.ts',
    check(module) {
      return module.imports.flatMap(({ specifier, target, offset }) => {
        if (target !== null) return [];
        const owners = OWNERS[specifier];
        if (owners === undefined) {
          if (specifier.startsWith('node:') && builtinModules.includes(specifier.slice('node:'.length))) return [];
          return [{ offset, problem: `imports '${specifier}', which has no owner` }];
        }
        const allowed = owners.some((owner) => module.path.startsWith(owner));
        return allowed ? [] : [{ offset, problem: `imports '${specifier}', which belongs to ${owners.join(', ')}` }];
      });
    },
    broken: [
      ['src/timeline/build.ts', "import { DateTime } from 'luxon';"],
      ['src/reports/week.ts', "import { readFileSync } from 'node:fs';"],
      ['src/timeline/build.ts', "import { z } from 'zod';"],
      ['src/ingest/read.ts', "import pad from 'left-pad';"],
      ['src/ingest/read.ts', "import { readFileSync } from 'fs';"],
      ['src/commands/up.ts', "import { argv } from 'node:process';"],
    ],
    fine: [
      ['src/timeline/zone.ts', "import { DateTime } from 'luxon';"],
      ['src/detectors/slow.ts', "import { z } from 'zod';"],
      ['src/ingest/read.ts', "import { createGunzip } from 'node:zlib'; import { join } from 'node:path';"],
    ],
  },
  {
    name: 'process is read in one place',
    remedy: 'read it in src/cli.ts and pass the value in (src/lib may ask for the size of the terminal)',
    check(module) {
      if (module.path === 'src/cli.ts' || module.folder === 'lib') return [];
      return referencesIn(module, (name) => name === 'process').map(({ offset }) => ({ offset, problem: 'reads process' }));
    },
    broken: [
      ['src/commands/analyze.ts', 'export const args = process.argv.slice(2);'],
      ['src/ingest/read.ts', "const home = process.env['HOME'];"],
      ['src/ingest/read.ts', 'const a = { process };'],
      ['src/ingest/read.ts', 'function a(process: A) { return process.at; }\nprocess.exit();'],
    ],
    fine: [
      ['src/cli.ts', 'process.exitCode = 1;'],
      ['src/commands/analyze.ts', 'const step = { process: 1 }; step.process;'],
      ['src/timeline/presence.ts', 'function a(process: A) { return process.at; } for (const process of b) process.at;'],
      [
        'src/timeline/presence.ts',
        'const f = ({ process, x: [fetch] }: A) => process.at; try {} catch (process) { process.at; }',
      ],
    ],
  },
  {
    name: 'pure folders have no clock, no I/O and no chance',
    remedy: 'take the value as a parameter; event time decides',
    check(module) {
      if (!PURE.has(module.folder)) return [];
      const imports = module.imports
        .filter(({ specifier }) => specifier.startsWith('node:'))
        .map(({ specifier, offset }) => ({ offset, problem: `imports '${specifier}'` }));
      const globals = referencesIn(module, (name) => IMPURE_GLOBALS.has(name));
      return [...imports, ...globals.map(({ name, offset }) => ({ offset, problem: `uses ${name}` })), ...chanceIn(module)];
    },
    broken: [
      ['src/parsers/scan.ts', "import { Buffer } from 'node:buffer';"],
      ['src/model/event.ts', 'const now = Date.now();'],
      ['src/model/event.ts', 'const now = Date.now;'],
      ['src/parsers/time.ts', 'const year = new Date().getFullYear();'],
      ['src/timeline/zone.ts', 'const text = Date();'],
      ['src/timeline/zone.ts', 'const now = DateTime.now(); const here = DateTime.local();'],
      ['src/detectors/slow.ts', 'const id = Math.random();'],
      ['src/detectors/slow.ts', 'const id = crypto.randomUUID();'],
      ['src/reports/week.ts', 'console.log(1);'],
      ['src/reports/policy.ts', 'setTimeout(() => {}, 1);'],
      ['src/reports/week.ts', "await fetch('/');"],
      ['src/reports/week.ts', 'globalThis.process.exit();'],
    ],
    fine: [
      ['src/parsers/time.ts', 'const day = new Date(Date.UTC(2026, 1, 0)).getUTCDate();'],
      ['src/timeline/build.ts', "const steps = { process: 'x', console: 1 }; steps.process; type T = { fetch(): void };"],
      ['src/ingest/read.ts', 'const now = Date.now();'],
    ],
  },
  {
    name: 'exports are named and stand at their declaration',
    remedy: 'write `export` before the declaration, and import things from the file that declares them',
    check(module) {
      return module.program.body.flatMap((node) => {
        if (node.type === 'ExportDefaultDeclaration') return [{ offset: node.start, problem: 'has a default export' }];
        const far = node.type === 'ExportAllDeclaration' || (node.type === 'ExportNamedDeclaration' && node.declaration === null);
        return far ? [{ offset: node.start, problem: 'exports what it declares elsewhere' }] : [];
      });
    },
    broken: [
      ['src/model/event.ts', 'export default 1;'],
      ['src/model/event.ts', "export * from './source.ts';"],
      ['src/model/event.ts', "export type { Source } from './source.ts';"],
      ['src/model/event.ts', 'const a = 1; export { a };'],
    ],
    fine: [['src/model/event.ts', 'export const a = 1; export type B = 1; export function c() {}']],
  },
  {
    name: 'a registry holds one array and nothing else',
    remedy: 'leave imports and one exported array in index.ts; everything else has a file with a name',
    check(module) {
      if (!module.path.endsWith('/index.ts')) return [];
      const rest = module.program.body.filter((node) => node.type !== 'ImportDeclaration');
      const strange = rest
        .filter((node) => !isExportedArray(node))
        .map((node) => ({ offset: node.start, problem: `holds ${node.type}` }));
      return rest.length === 1 ? strange : [...strange, { offset: 0, problem: `exports ${rest.length} things` }];
    },
    broken: [
      ['src/parsers/index.ts', "export { sensors } from './sensors.ts';"],
      ['src/parsers/index.ts', 'export const all = []; export const none = [];'],
      ['src/parsers/index.ts', 'export const parsers = [1].map(String);'],
      ['src/parsers/index.ts', 'sideEffect(); export const parsers = [];'],
    ],
    fine: [['src/parsers/index.ts', "import { a } from './a.ts';\nexport const parsers: readonly Parser[] = [a];"]],
  },
  {
    name: 'files are named in kebab-case, by what they hold',
    remedy: 'rename it: the thing it is named after comes first in it',
    check(module) {
      const names = module.path.replace(/\.ts$/, '').split('/');
      return names.flatMap((name) => {
        if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name)) return [{ offset: 0, problem: `'${name}' is not kebab-case` }];
        return NAMES_OF_NOTHING.has(name) ? [{ offset: 0, problem: `'${name}' says nothing` }] : [];
      });
    },
    broken: [
      ['src/parsers/domainXml.ts', ''],
      ['src/parsers/Domain-xml.ts', ''],
      ['src/lib/utils.ts', ''],
      ['src/helpers/text.ts', ''],
    ],
    fine: [['src/parsers/domain-xml.ts', '']],
  },
  {
    name: 'every export says what it means',
    remedy: 'put a /** comment */ directly before it: meaning or guarantee, units, errors, source of a constant',
    check(module) {
      return module.program.body.flatMap((node) => {
        if (node.type !== 'ExportNamedDeclaration' || node.declaration === null || isOverload(module, node)) return [];
        const documented = module.docEnds.some((end) => end <= node.start && DIRECTIVES.test(module.text.slice(end, node.start)));
        return documented ? [] : [{ offset: node.start, problem: `${declaredName(node.declaration)} has no doc comment` }];
      });
    },
    broken: [
      ['src/model/event.ts', 'export type A = 1;'],
      ['src/model/event.ts', '// a note\nexport const a = 1;'],
      ['src/model/event.ts', '/** */\nexport const a = 1;'],
      ['src/model/event.ts', '/** Of the file. */\n\nconst b = 1;\nexport function a() {}'],
      ['src/model/event.ts', '/** A. */ export type A = 1; export interface B {}'],
    ],
    fine: [
      [
        'src/model/event.ts',
        '/** The first. */\nexport const a = 1;\n\n/**\n * The second.\n */\nexport interface B {}\nconst c = 1;',
      ],
      [
        'src/model/event.ts',
        '/** Both. */\nexport function a(b: 1): 1;\nexport function a(b: 2): 2;\nexport function a(b: any) { return b; }',
      ],
    ],
  },
];

function levelOf(folder: string): number {
  return LAYERS.findIndex((row) => row.includes(folder));
}

/** `new Date()`, `Date()`, `Date.now`, `DateTime.now`, `DateTime.local()`, `Math.random`. */
function chanceIn(module: Module): readonly Violation[] {
  const found: Violation[] = [];
  walk(module.program, (node) => {
    if (node.type === 'NewExpression' || node.type === 'CallExpression') {
      const callee = module.text.slice(node.callee.start, node.callee.end);
      const reads =
        callee === 'Date'
          ? node.type === 'CallExpression' || node.arguments.length === 0
          : callee === 'DateTime.local' && node.arguments.length === 0;
      if (reads) found.push({ offset: node.start, problem: `reads the clock (${callee}())` });
    } else if (node.type === 'MemberExpression') {
      const text = module.text.slice(node.start, node.end);
      if (['Date.now', 'DateTime.now', 'DateTime.utc', 'Math.random'].includes(text))
        found.push({ offset: node.start, problem: `uses ${text}` });
    }
  });
  return found;
}

function isExportedArray(node: Node): boolean {
  if (node.type !== 'ExportNamedDeclaration' || node.declaration?.type !== 'VariableDeclaration') return false;
  const [first, ...others] = node.declaration.declarations;
  return others.length === 0 && first?.init?.type === 'ArrayExpression';
}

/** The second and later signatures of an overloaded function share the first one's comment. */
function isOverload(module: Module, node: Node): boolean {
  const { body } = module.program;
  const before = body[body.findIndex((other) => other === node) - 1];
  if (before?.type !== 'ExportNamedDeclaration' || node.type !== 'ExportNamedDeclaration') return false;
  if (before.declaration?.type !== 'TSDeclareFunction' || node.declaration === null) return false;
  return declaredName(before.declaration) === declaredName(node.declaration);
}

function declaredName(declaration: Node): string {
  if (declaration.type === 'VariableDeclaration') {
    const [first] = declaration.declarations;
    return first?.id.type === 'Identifier' ? first.id.name : 'an export';
  }
  return 'id' in declaration && declaration.id?.type === 'Identifier' ? declaration.id.name : 'an export';
}
