import { env, kill } from 'node:process';

/** The environment of the programs that we start: ours, but they tell the time in UTC and speak English. */
export function programEnvironment(): NodeJS.ProcessEnv {
  return { ...env, TZ: 'UTC', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', LANGUAGE: '', TERM: 'dumb' };
}

/** Signals a process group, as `detached: true` of spawn makes one. Says whether there was any process in it. */
export function signalGroup(leader: number, signal: NodeJS.Signals): boolean {
  try {
    return kill(-leader, signal);
  } catch {
    // ESRCH: all gone already; EPERM: none that is ours
    return false;
  }
}
