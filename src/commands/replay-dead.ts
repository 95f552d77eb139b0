import { parseArgs } from 'node:util';
import { DEFAULT_CONFIG_FILE, loadConfig } from '../config.ts';
import { plural } from '../lib/units.ts';
import { replayDead } from '../pipeline/replay-dead.ts';
import { inert } from '../reports/terminal/text.ts';
import type { Terminal } from './analyze.ts';
import { orUsage } from './command-line.ts';
import { openStream } from './open-stream.ts';

const HELP = `precopy replay-dead   put dead letters back that can be read by now

  -n, --dry-run       only count them
  -c, --config FILE   else ${DEFAULT_CONFIG_FILE} where it exists, else the
                      defaults

What nobody could read is kept in the dead letters: messages of a newer
release, or of none of ours. After an upgrade this puts those into the stream
that this release reads; a running precopy processes them. What is put back
twice is stored once. The dead letters stay, as long as the stream keeps them.

Exit status: 0 done, 2 the stream could not be opened, or bad usage.
`;

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  'dry-run': { type: 'boolean', short: 'n', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** What `replay-dead` needs of the process it runs in. */
export interface ReplayContext {
  readonly terminal: Pick<Terminal, 'out'>;
  readonly env: NodeJS.ProcessEnv;
}

/** `precopy replay-dead`: returns the exit status. @throws AppError */
export async function replayDeadLetters(args: readonly string[], { terminal, env }: ReplayContext): Promise<number> {
  const values = parse(args);
  if (values.help) {
    terminal.out(HELP);
    return 0;
  }
  const dryRun = values['dry-run'];
  const stream = await openStream(loadConfig(values.config ?? null, env), null);
  try {
    const { readable, unreadable } = await replayDead(stream, { dryRun });
    const dead = [...unreadable].map(([problem, count]) => `  ${count}  ${inert(problem)}\n`);
    const still = [...unreadable.values()].reduce((sum, count) => sum + count, 0);
    terminal.out(`${plural(readable, 'message')} ${dryRun ? 'can be put back' : 'put back'}\n`);
    terminal.out(`${plural(still, 'message')} still cannot be read\n${dead.join('')}`);
    return 0;
  } finally {
    await stream.close();
  }
}

function parse(args: readonly string[]) {
  return orUsage(() => parseArgs({ args: [...args], options: OPTIONS }).values, 'see precopy replay-dead --help');
}
