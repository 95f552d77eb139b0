import { setTimeout as pause } from 'node:timers/promises';
import type { Arrival, MigratingVms } from './migrating-vms.ts';
import { quoted, type VirshAnswer, type VirshSession } from './virsh-session.ts';

/** How often the running VMs are asked for, and one of them whether it migrates though no event said so: we may have come late. */
const SWEEP_MS = 2000;
/** A VM, or a libvirtd, that did not answer is asked again after this. */
const SUSPECT_MS = 5000;

/** What the watch needs. */
export interface JobWatchSetup {
  /** A virsh of its own each: what hangs in one does not hold up the other. */
  session(): VirshSession;
  readonly vms: MigratingVms;
  readonly everyMs: number;
  readonly timeoutMs: number;
  /** Takes a JSON line of the source `domjobinfo`; awaited. */
  take(line: string): Promise<void>;
  say(state: 'running' | 'missing' | 'failing' | 'timed-out', problem: string | null): void;
  nowIso(): string;
}

/** Asks libvirt for statistics of VMs that migrate. */
export interface JobWatch {
  /** Resolves when nothing more is taken. */
  stop(): Promise<void>;
}

/**
 * Watches the VMs that events name, each `everyMs`. One more VM is asked every 2 s, so that a migration that no event told of is
 * found too; a host with 200 VMs is asked for one of them at a time. VMs that do not answer are asked apart from the others.
 */
export function startJobWatch(setup: JobWatchSetup): JobWatch {
  const { everyMs, vms } = setup;
  const suspects = new Set<string>();
  const main = createAsker(setup, suspects);
  const apart = createAsker(setup, suspects);
  const stopping = new AbortController();
  let sweptAt = Number.NEGATIVE_INFINITY;
  let lastSwept = '';

  async function lookAt(names: Iterable<string>): Promise<boolean> {
    for (const vm of names) {
      if (stopping.signal.aborted) return false;
      // one VM that hangs, or all of libvirt? then there is nothing to ask
      if (!suspects.has(vm) && !(await main.look(vm)) && (await main.names()) === null) return false;
    }
    return true;
  }

  /** Whether libvirt answers. */
  async function round(): Promise<boolean> {
    const now = performance.now();
    for (const arrival of vms.due(now)) await main.completed(arrival);
    if (now - sweptAt < SWEEP_MS) return lookAt(vms.leaving());
    const names = await main.names();
    if (names === null) return false;
    // at first everybody
    const next = sweptAt < 0 ? names : [names.find((name) => name > lastSwept) ?? names[0] ?? ''].filter((name) => name !== '');
    sweptAt = now;
    lastSwept = next.at(-1) ?? '';
    return lookAt(new Set([...vms.leaving(), ...next]));
  }

  async function keepLooking(): Promise<void> {
    while (!stopping.signal.aborted) {
      const begunAt = performance.now();
      const isAnswering = await round();
      await wait(isAnswering ? Math.max(0, everyMs - (performance.now() - begunAt)) : SUSPECT_MS, stopping.signal);
    }
  }

  const working = Promise.all([keepLooking(), keepTrying({ apart, suspects, signal: stopping.signal, say: setup.say })]);
  return {
    async stop() {
      stopping.abort();
      main.close();
      apart.close();
      await working;
    },
  };
}

function wait(ms: number, signal: AbortSignal): Promise<unknown> {
  return pause(ms, null, { signal }).catch(() => null);
}

interface Trial {
  readonly apart: Asker;
  readonly suspects: Set<string>;
  readonly signal: AbortSignal;
  readonly say: JobWatchSetup['say'];
}

/** Asks those that gave no answer, until they do. */
async function keepTrying({ apart, suspects, signal, say }: Trial): Promise<void> {
  while (!signal.aborted) {
    for (const vm of suspects) {
      if (signal.aborted || !(await apart.look(vm))) continue;
      suspects.delete(vm);
      if (suspects.size === 0) say('running', null);
    }
    await wait(SUSPECT_MS, signal);
  }
}

interface Asker {
  /** Names of the running VMs, in order; `null` where there was no answer. */
  names(): Promise<readonly string[] | null>;
  /** Asks for the job of a VM. Whether there was an answer. */
  look(vm: string): Promise<boolean>;
  completed(arrival: Arrival): Promise<void>;
  close(): void;
}

/** Asks, and says what keeps answers from coming. */
function createAsker({ session, vms, timeoutMs, take, say, nowIso }: JobWatchSetup, suspects: Set<string>): Asker {
  const virsh = session();
  let isClosed = false;

  async function ask(command: string): Promise<VirshAnswer> {
    const answer = await virsh.ask(command, timeoutMs);
    if (isClosed) return { kind: 'ended', problem: '' };
    const late = `libvirt gave no answer to \`${command}\` within ${timeoutMs} ms: the VM's QEMU, or libvirtd itself, hangs`;
    if (answer.kind === 'timed-out') say('timed-out', late);
    else if (answer.kind === 'missing') say('missing', 'virsh is not installed: apt-get install libvirt-clients');
    else if (answer.kind === 'ended') say('failing', answer.problem);
    return answer;
  }

  return {
    async names() {
      const answer = await ask('list --name');
      if (answer.kind !== 'answered') return null;
      if (answer.errorText !== '') {
        say('failing', answer.errorText.replaceAll('\n', ' '));
        return null;
      }
      if (suspects.size === 0) say('running', null);
      return answer.text
        .split('\n')
        .filter((name) => name !== '')
        .toSorted();
    },
    async look(vm) {
      const answer = await ask(`domjobinfo --domain ${quoted(vm)} --rawstats`);
      if (answer.kind === 'timed-out') suspects.add(vm);
      if (answer.kind !== 'answered') return false;
      if (vms.heard(vm, answer.text)) await take(jobLine(nowIso(), { vm, ...answer }));
      return true;
    },
    async completed(arrival) {
      const { vm } = arrival;
      const answer = await ask(`domjobinfo --domain ${quoted(vm)} --completed --keep-completed --rawstats`);
      const isThere = answer.kind === 'answered' && /^Job type:\s*3\s*$/m.test(answer.text);
      if (isThere) await take(jobLine(nowIso(), { vm, ...answer, completed: true }));
      else vms.again(arrival);
    },
    close() {
      isClosed = true;
      virsh.close();
    },
  };
}

interface Look {
  readonly vm: string;
  readonly text: string;
  readonly errorText: string;
  readonly completed?: true;
}

function jobLine(at: string, { vm, text, errorText, completed }: Look): string {
  const line = { at, vm, domjobinfo: text, error: errorText === '' ? undefined : errorText, completed };
  return `${JSON.stringify(line)}\n`;
}
