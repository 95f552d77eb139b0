import { readlinkSync } from 'node:fs';
import { AppError } from '../lib/errors.ts';
import { zoneNamed } from '../timeline/zone.ts';

/** What says in which zone a machine is. */
export interface ZoneSigns {
  /** As JavaScript has it; nothing useful where `TZ` is a path (`:/etc/localtime`). */
  readonly ofProcess: string | undefined;
  /** `/etc/localtime`: a link to the file of the zone. */
  readonly link: string;
}

/** The zone of this machine by name. @throws AppError `config` where nothing says it: a guess would move every line. */
export function machineZone({ ofProcess, link }: ZoneSigns): string {
  const name = [ofProcess, zoneOfLink(link)].find((one) => one !== undefined && zoneNamed(one) !== null);
  if (name !== undefined) return name;
  throw new AppError('config', 'nothing says in which time zone this machine is', {
    hint: 'name it in the configuration: timezone: Europe/Berlin',
  });
}

function zoneOfLink(link: string): string | undefined {
  try {
    return /zoneinfo\/(?:posix\/|right\/)?(.+)$/.exec(readlinkSync(link))?.[1];
  } catch {
    // no link, so it says nothing
    return undefined;
  }
}
