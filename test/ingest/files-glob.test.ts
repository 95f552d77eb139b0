import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createGlob } from '../../src/ingest/files/glob.ts';
import { temporaryFolder } from './following.ts';

describe('the log that a path belongs to', () => {
  test.each([
    ['/var/log/agent.log', '/var/log/agent.log', '/var/log/agent.log'],
    ['/var/log/agent.log', '/var/log/agent.log.1', '/var/log/agent.log'],
    ['/var/log/agent.log', '/var/log/agent.log-20261123', '/var/log/agent.log'],
    ['/var/log/agent.log', '/var/log/agent.log.2026-11-20.gz', '/var/log/agent.log'],
    ['/var/log/agent.log', '/var/log/agent_log', null],
    ['/var/log/*.log*', '/var/log/agent.log.1', '/var/log/agent.log'],
    ['/var/log/*.log', '/var/log/a/agent.log', null],
    ['/var/log/agent.log.1', '/var/log/agent.log.1', '/var/log/agent.log.1'],
    ['/var/log/i-?-VM.log', '/var/log/i-2-VM.log', '/var/log/i-2-VM.log'],
    ['/var/log/i-?-VM.log', '/var/log/i-23-VM.log', null],
    ['/var/**/agent.log', '/var/agent.log', '/var/agent.log'],
    ['/var/**/agent.log', '/var/a/b/agent.log', '/var/a/b/agent.log'],
    ['/var/**', '/var/a/b', '/var/a/b'],
    ['/**/x.log', '/x.log', '/x.log'],
  ])('%s, %s: %s', (pattern, path, live) => {
    expect(createGlob(pattern).liveName(path)).toBe(live);
  });
});

test('what is there is listed: rotated files too, folders by pattern, links to folders only where they are named', () => {
  const folder = temporaryFolder();
  for (const path of ['a/x.log', 'a/x.log.1', 'a/x.txt', 'b/c/x.log', 'b/c/d.log/y.log']) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), '');
  }
  symlinkSync('..', join(folder, 'a/loop'));
  symlinkSync('b', join(folder, 'l'));
  const list = (pattern: string): readonly string[] =>
    createGlob(join(folder, pattern))
      .list(() => undefined)
      .map((path) => path.slice(folder.length + 1))
      .toSorted();
  expect(list('a/x.log')).toEqual(['a/x.log', 'a/x.log.1']);
  expect(list('*/x.log')).toEqual(['a/x.log', 'a/x.log.1']);
  expect(list('?/c/*.log')).toEqual(['b/c/x.log', 'l/c/x.log']);
  expect(list('**/*.log')).toEqual(['a/x.log', 'a/x.log.1', 'b/c/d.log/y.log', 'b/c/x.log']);
  expect(list('none/**/*.log')).toEqual([]);
});

test('a folder that is no folder is told', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'a'), '');
  symlinkSync('loop', join(folder, 'loop'));
  const failed: string[] = [];
  expect(createGlob(join(folder, 'a/*.log')).list((path) => failed.push(path))).toEqual([]);
  expect(createGlob(join(folder, 'loop/*.log')).list((path) => failed.push(path))).toEqual([]);
  expect(failed).toEqual([join(folder, 'loop')]);
});
