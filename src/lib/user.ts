import { homedir, userInfo } from 'node:os';

/** Who the process runs as. */
export interface User {
  readonly root: boolean;
  /** The number where the user has no name, as in some containers. */
  readonly name: string;
  /** `null` where the user has none. */
  readonly home: string | null;
}

/** The user of this process; asks nobody where the user is in no list of users. */
export function currentUser(): User {
  const uid = process.getuid?.() ?? -1;
  try {
    return { root: uid === 0, name: userInfo().username, home: homedir() };
  } catch {
    return { root: uid === 0, name: String(uid), home: null };
  }
}
