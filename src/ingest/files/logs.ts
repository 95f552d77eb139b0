import { parsers } from '../../parsers/index.ts';
import type { HostHeader } from '../collector.ts';
import { durationMs } from '../../lib/duration.ts';
import type { FileOptions } from '../options.ts';
import type { FileState } from './checkpoints.ts';
import { abandon, createFamily, resolveFamily, type Family, type Surroundings } from './family.ts';
import type { Followed, LogKind } from './followed.ts';
import { createGlob, type Glob } from './glob.ts';
import { membersOf, targetOf, type Member } from './members.ts';
import { fileProblem, type Problems } from './problems.ts';

/** All logs that are followed, with the files they were rotated into. */
export interface Logs {
  /** What checkpoints know; before the first look. */
  restore(states: readonly FileState[]): void;
  /** Looks at the folders. `now`: of a clock that never goes back; `wallNow`: Unix ms. */
  scan(now: number, wallNow: number): Promise<void>;
  /** Every content, whether a file of it is open or not. */
  files(): readonly Followed[];
  /** For the checkpoint. */
  states(): readonly FileState[];
  /** The file does not hold this content any more. */
  abandon(file: Followed): Promise<void>;
  /** The content was read to its end and does not grow: it need not be open. */
  park(file: Followed): Promise<void>;
  close(): Promise<void>;
}

/** What following logs needs to know. */
export interface LogsSettings {
  readonly header: HostHeader;
  readonly problems: Problems;
  readonly endMs: number;
  readonly parkMs: number;
}

interface Pattern {
  readonly glob: Glob;
  readonly kind: LogKind;
  readonly historyMs: number;
}

const DAY_MS = 86_400_000;
/** A content that nobody holds is remembered so long: it may come back, as a copy that was elsewhere. */
const REMEMBER_MS = 7 * DAY_MS;
/** A loss is told so long. */
const TELL_LOSS_MS = 600_000;

/** Logs as the options name them; nothing is looked at before `scan`. */
export function createLogs(options: readonly FileOptions[], settings: LogsSettings): Logs {
  const patterns = options.map((option): Pattern => patternOf(option, settings.header));
  const families = new Map<string, Family>();
  let strangers: readonly FileState[] = [];
  let files: readonly Followed[] = [];

  function familyOf(live: string, kind: LogKind): Family {
    const family = families.get(live) ?? createFamily(live, kind, []);
    families.set(live, family);
    return family;
  }

  function gatherFiles(): void {
    files = [...families.values()].flatMap((family) => family.files);
  }

  return {
    restore(states) {
      for (const [live, own] of byLive(states)) {
        const kind = patterns.find(({ glob }) => glob.liveName(live) === live)?.kind;
        if (kind !== undefined) families.set(live, createFamily(live, kind, own));
      }
      // of logs that are not configured now, and may be again
      strangers = states.filter(({ live }) => !families.has(live));
      gatherFiles();
    },
    async scan(now, wallNow) {
      const around = { now, wallNow, endMs: settings.endMs };
      const seen = listAll(patterns, settings.problems);
      const lives = new Set([...seen.keys(), ...families.keys()]);
      for (const live of lives) {
        const log = seen.get(live);
        const family = log === undefined ? families.get(live) : familyOf(live, log.pattern.kind);
        if (family === undefined) continue;
        await parkQuiet(family, settings.parkMs, now);
        const failed = createFailed(settings.problems);
        const readSince = wallNow - (log?.pattern.historyMs ?? 0);
        await resolveFamily(family, log?.members ?? [], { ...around, readSince, failed });
        noteGone(family, settings.problems, around);
        if (log === undefined && family.files.length === 0 && family.unsettled.size === 0) families.delete(live);
      }
      strangers = strangers.filter(({ modifiedAt }) => wallNow - modifiedAt < REMEMBER_MS);
      gatherFiles();
    },
    files: () => files,
    states: () => [...files.map(({ state }) => state), ...strangers],
    async abandon(file) {
      const family = families.get(file.state.live);
      if (family !== undefined) await abandon(family, file);
    },
    park,
    async close() {
      for (const { files: own, unsettled } of families.values()) {
        for (const file of own) await park(file);
        for (const { backing } of unsettled.values()) await backing.close();
        unsettled.clear();
      }
    },
  };
}

function patternOf(option: FileOptions, header: HostHeader): Pattern {
  const parser = parsers.find(({ source }) => source === option.source);
  const kind: LogKind = {
    source: option.source,
    // of a program without a parser, every line is a record
    header: parser?.header ?? /^/my,
    cluster: header.cluster,
    host: option.host ?? header.host,
    zone: option.timezone ?? header.zone,
  };
  return { glob: createGlob(option.path), kind, historyMs: durationMs(option.history) };
}

function byLive(states: readonly FileState[]): ReadonlyMap<string, readonly FileState[]> {
  const grouped = new Map<string, FileState[]>();
  for (const state of states) {
    const own = grouped.get(state.live);
    if (own === undefined) grouped.set(state.live, [state]);
    else own.push(state);
  }
  return grouped;
}

interface SeenLog {
  readonly pattern: Pattern;
  readonly members: readonly Member[];
}

/** A log belongs to the first pattern that names it. */
function listAll(patterns: readonly Pattern[], problems: Problems): ReadonlyMap<string, SeenLog> {
  const seen = new Map<string, SeenLog>();
  const absent: string[] = [];
  for (const pattern of patterns) {
    const failed = createFailed(problems);
    const found = membersOf(pattern.glob, failed);
    for (const [live, members] of found)
      if (!seen.has(live) && !isOtherName(live, patterns)) seen.set(live, { pattern, members });
    if (found.size === 0) absent.push(pattern.glob.pattern);
  }
  if (absent.length === 0) problems.clear('absent');
  else problems.set('absent', { state: seen.size === 0 ? 'missing' : 'running', text: `not there (yet): ${absent.join(', ')}` });
  return seen;
}

/** A link to a log that is followed under its own name. */
function isOtherName(live: string, patterns: readonly Pattern[]): boolean {
  const target = targetOf(live);
  return target !== null && target !== live && patterns.some(({ glob }) => glob.liveName(target) === target);
}

/** Told until it is tried again and not told again. */
function createFailed(problems: Problems): Surroundings['failed'] {
  return (path, error) => problems.set(`open ${path}`, { ...fileProblem(path, error), untilMs: performance.now() + 3000 });
}

/** Rotated files that were read to their ends are closed when nothing was written to them for long. */
async function parkQuiet({ files }: Family, parkMs: number, now: number): Promise<void> {
  for (const file of files) {
    const { state, place, size, grewAt, linked } = file;
    const deserted = !place.live || !linked;
    if (file.backing !== null && deserted && !place.gzip && size <= state.offset && now - grewAt >= parkMs) await park(file);
  }
}

async function park(file: Followed): Promise<void> {
  const { backing, state, place } = file;
  file.backing = null;
  // a compressed file has no more than was read of it
  const size = place.gzip ? state.offset : file.size;
  const seen = place.gzip ? {} : { diskBytes: file.size, modifiedAt: file.modifiedAt };
  file.state = { ...state, ...seen, size };
  await backing?.close();
}

/** Says what was lost with contents that nobody holds, and forgets them in the end. */
function noteGone(
  { files, copies }: Family,
  problems: Problems,
  { now, wallNow, endMs }: { readonly now: number; readonly wallNow: number; readonly endMs: number },
): void {
  for (const file of files.slice()) {
    const { state } = file;
    if (state.key !== null || file.backing !== null) continue;
    const goneAt = state.goneAt ?? wallNow;
    const lost = state.size - state.offset;
    const tell = lost > 0 && !state.lossTold && wallNow - goneAt >= endMs;
    if (tell) problems.set(`lost ${state.fileId}`, { state: 'failing', text: lossOf(file), untilMs: now + TELL_LOSS_MS });
    file.state = { ...state, goneAt, lossTold: state.lossTold || tell };
    const copied = [...copies.values()].some((copy) => copy.of === file);
    if (wallNow - goneAt >= REMEMBER_MS && !copied) files.splice(files.indexOf(file), 1);
  }
}

function lossOf({ state, kind, place }: Followed): string {
  return (
    `lost on ${kind.host}: bytes ${state.offset} to ${place.gzip ? 'the end' : state.size} of ${place.path} (file ${state.fileId}): it was emptied or deleted ` +
    'before they were read, and no copy is there; let rotation keep one file uncompressed or compressed in the same folder'
  );
}
