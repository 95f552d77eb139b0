import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { notificationDocument } from '../src/alerts/notification-document.ts';
import { alertsPage } from '../src/alerts/catalogue.ts';
import { exampleConfig, configJsonSchema } from '../src/config/example.ts';
import { elementOf, meaningOf, shapeOf } from '../src/config/schema-walk.ts';
import { configSchema } from '../src/config/schema.ts';
import { checkedConfig } from '../src/config.ts';
import { detectors } from '../src/detectors/index.ts';
import { parsers } from '../src/parsers/index.ts';
import type { Parser } from '../src/parsers/parser.ts';
import { secretPatterns } from '../src/ingest/secrets.ts';
import { detectorsPage, limitsOf, parsersPage, secretsPage, type CatalogueDetector } from '../src/reports/catalogue.ts';
import { findingMessage } from '../src/reports/finding-message.ts';
import { analysisDocument } from '../src/reports/json.ts';
import { reportDocument } from '../src/reports/weekly/document.ts';

type Exports = Readonly<Record<string, unknown>>;

/** What every module of a folder exports, by its path in the folder; registries and interfaces left out. */
async function exportsOf(folder: string): Promise<ReadonlyMap<string, Exports>> {
  const entries = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  const files = entries.filter((file) => file.endsWith('.ts') && file !== 'index.ts');
  const modules = files.toSorted().map(async (file) => {
    const loaded: Exports = await import(pathToFileURL(resolve(folder, file)).href);
    return [file, loaded] as const;
  });
  return new Map(await Promise.all(modules));
}

function isObject(value: unknown): value is Exports {
  return typeof value === 'object' && value !== null;
}

function isParser(value: unknown): value is Parser {
  return isObject(value) && value['header'] instanceof RegExp && Array.isArray(value['rules']) && 'source' in value;
}

function isDetector(value: unknown): value is CatalogueDetector {
  return isObject(value) && typeof value['id'] === 'string' && 'limits' in value && Array.isArray(value['fires']);
}

/** Compares a page with its file; `npm run docs` writes it instead. */
function expectFresh(path: string, rendered: string): void {
  if (process.env['UPDATE_DOCS'] === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, rendered);
  }
  const written = existsSync(path) ? readFileSync(path, 'utf8') : '';
  expect(written, `${path} is out of date: run \`npm run docs\` and commit it`).toBe(rendered);
}

test('docs/analysis.schema.json is fresh', () => {
  const schema = z.toJSONSchema(analysisDocument, { target: 'draft-2020-12' });
  expectFresh('docs/analysis.schema.json', `${JSON.stringify({ title: 'precopy/analysis@1', ...schema }, null, 2)}\n`);
});

test('docs/finding-message.schema.json is fresh', () => {
  const schema = z.toJSONSchema(findingMessage, { target: 'draft-2020-12' });
  expectFresh('docs/finding-message.schema.json', `${JSON.stringify({ title: 'precopy/finding@1', ...schema }, null, 2)}\n`);
});

test('docs/notification.schema.json is fresh', () => {
  const schema = z.toJSONSchema(notificationDocument, { target: 'draft-2020-12' });
  expectFresh('docs/notification.schema.json', `${JSON.stringify({ title: 'precopy/notification@1', ...schema }, null, 2)}\n`);
});

test('docs/report.schema.json is fresh', () => {
  const schema = z.toJSONSchema(reportDocument, { target: 'draft-2020-12' });
  expectFresh('docs/report.schema.json', `${JSON.stringify({ title: 'precopy/report@1', ...schema }, null, 2)}\n`);
});

describe('configuration', () => {
  /** Keys without a meaning, by their path. */
  function bareKeys(schema: z.ZodType, path: string): readonly string[] {
    const element = elementOf(schema);
    if (element !== null) return bareKeys(element, `${path}[]`);
    return Object.entries(shapeOf(schema)).flatMap(([key, own]) => [
      ...(meaningOf(own) === '' ? [`${path}.${key}`] : []),
      ...bareKeys(own, `${path}.${key}`),
    ]);
  }

  test('every key says what it means', () => {
    expect(bareKeys(configSchema, ''), 'give these .describe(…)').toEqual([]);
  });

  test('docs/config.schema.json is fresh', () => {
    expectFresh('docs/config.schema.json', configJsonSchema(configSchema));
  });

  test('config.example.yaml is fresh', () => {
    expectFresh('config.example.yaml', exampleConfig(configSchema));
  });

  test('config.example.yaml is the defaults', () => {
    const { value, problems } = checkedConfig(readFileSync('config.example.yaml', 'utf8'), configSchema, {});
    expect(problems).toEqual([]);
    expect(value).toEqual(configSchema.parse({}));
  });
});

test('docs/alerts.md is fresh', () => {
  expectFresh('docs/alerts.md', alertsPage());
});

test('docs/secrets.md is fresh', () => {
  expectFresh('docs/secrets.md', secretsPage(secretPatterns));
});

describe('parsers', async () => {
  const found = [...(await exportsOf('src/parsers'))].flatMap(([file, exports]) =>
    Object.values(exports)
      .filter(isParser)
      .map((parser) => ({ file, parser })),
  );

  test.each(found)('$file is in src/parsers/index.ts', ({ file, parser }) => {
    expect(parsers, `add the parser of src/parsers/${file} to the array in src/parsers/index.ts`).toContain(parser);
  });

  test('each source has one parser', () => {
    const sources = parsers.map((parser) => parser.source);
    expect(sources).toEqual([...new Set(sources)]);
  });

  test('docs/parsers.md is fresh', () => {
    expectFresh('docs/parsers.md', parsersPage(parsers));
  });
});

const RUNBOOK_HEADINGS = ['## Meaning', '## Impact', '## Diagnosis', '## Mitigation'];

describe('detectors', async () => {
  const modules = await exportsOf('src/detectors');
  const found = [...modules].flatMap(([file, exports]) =>
    Object.values(exports)
      .filter(isDetector)
      .map((detector) => ({ file, detector, id: detector.id })),
  );

  test('there is one for each file that exports one', () => {
    expect(detectors.map(({ id }) => id).toSorted()).toEqual(found.map(({ id }) => id).toSorted());
  });

  test.each(found)('$file is in src/detectors/index.ts', ({ file, detector }) => {
    expect(detectors, `add the detector of src/detectors/${file} to the array in src/detectors/index.ts`).toContain(detector);
  });

  test.each(found)('$id has the name of its file', ({ file, id }) => {
    expect(`${id}.ts`, `name the file of a detector as its id`).toBe(file);
  });

  test.each(found)('every limit of $id has a default and a meaning', ({ detector }) => {
    const bare = limitsOf(detector.limits).filter((limit) => limit.description === '' || limit.defaultValue === '');
    expect(bare, 'give these .default(…) and .describe(…), with the unit').toEqual([]);
  });

  test.each(found)('$id has a runbook', ({ id }) => {
    const path = `docs/detectors/${id}.md`;
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const headings = text.split('\n').filter((line) => line.startsWith('## '));
    expect(headings, `write ${path} with these headings, in this order`).toEqual(RUNBOOK_HEADINGS);
    expect(text, `${path} says nothing under a heading`).not.toMatch(/^## .*\s*(?:^## |$(?![^]))/m);
  });

  test('each id belongs to one detector', () => {
    const ids = detectors.map((detector) => detector.id);
    expect(ids).toEqual([...new Set(ids)]);
  });

  test('each runbook belongs to a detector', () => {
    const pages = readdirSync('docs/detectors').filter((file) => file !== 'README.md');
    expect(pages.toSorted()).toEqual(detectors.map((detector) => `${detector.id}.md`).toSorted());
  });

  test('docs/detectors/README.md is fresh', () => {
    expectFresh('docs/detectors/README.md', detectorsPage(detectors));
  });
});
