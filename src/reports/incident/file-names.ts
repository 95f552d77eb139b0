import type { FileContext } from '../../model/source.ts';
import type { Analysis } from '../analysis.ts';

/** How a file is called in a report: its name, with as many of its folders as tell it from others of the same host. */
export type FileName = (file: Pick<FileContext, 'host' | 'path'>) => string;

/** Names of the files of an analysis: the shortest tail of each path that no other file of its host has. */
export function fileNamesOf({ inputs }: Pick<Analysis, 'inputs'>): FileName {
  const read = inputs.flatMap(({ host, path }) => (host === null ? [] : [{ host, path }]));
  const uses = new Map<string, number>();
  for (const { host, path } of read) {
    for (let parts = 1; parts <= depthOf(path); parts += 1) {
      const key = `${host}\0${tail(path, parts)}`;
      uses.set(key, (uses.get(key) ?? 0) + 1);
    }
  }
  const names = new Map(
    read.map(({ host, path }) => {
      let parts = 1;
      while (parts < depthOf(path) && (uses.get(`${host}\0${tail(path, parts)}`) ?? 0) > 1) parts += 1;
      return [`${host}\0${path}`, tail(path, parts)];
    }),
  );
  return ({ host, path }) => names.get(`${host}\0${path}`) ?? tail(path, 1);
}

function depthOf(path: string): number {
  return path.split('/').length;
}

function tail(path: string, parts: number): string {
  return path.split('/').slice(-parts).join('/');
}
