/** After an event that tells of a migration, libvirt may not have a job yet; after this many answers without one, there is none. */
const ANSWERS_WITHOUT_JOB = 3;
/** libvirt has the statistics of a migration that came in a moment after the guest runs. */
const COMPLETED_AFTER_MS = 1000;
const COMPLETED_TRIES = 5;

/** A VM that came here, and when to ask for the statistics of how. */
export interface Arrival {
  readonly vm: string;
  readonly dueAt: number;
  readonly tries: number;
}

/** Which VMs libvirt is to be asked about. */
export interface MigratingVms {
  /** An event tells that this VM migrates away. */
  leaves(vm: string): void;
  leaving(): readonly string[];
  /** What libvirt said of its job; `true` where that is worth telling. */
  heard(vm: string, text: string): boolean;
  /** An event tells that this VM came here. */
  arrives(vm: string, now: number): void;
  /** Takes the arrivals that are due. */
  due(now: number): readonly Arrival[];
  /** There were no statistics yet. */
  again(arrival: Arrival): void;
}

/** None yet. */
export function createMigratingVms(): MigratingVms {
  /** How often in a row libvirt had no job of them. */
  const without = new Map<string, number>();
  let arrivals: readonly Arrival[] = [];
  return {
    leaves: (vm) => void without.set(vm, 0),
    leaving: () => [...without.keys()],
    heard(vm, text) {
      const runs = isMigration(text);
      if (runs) without.set(vm, 0);
      const before = without.get(vm);
      if (before === undefined) return false;
      if (!runs) without.set(vm, before + 1);
      if (before + 1 >= ANSWERS_WITHOUT_JOB) without.delete(vm);
      // the answer that there is no job any more, or no such VM, is told once
      return before === 0;
    },
    arrives(vm, now) {
      arrivals = [...arrivals, { vm, dueAt: now + COMPLETED_AFTER_MS, tries: 1 }];
    },
    due(now) {
      const due = arrivals.filter(({ dueAt }) => dueAt <= now);
      arrivals = arrivals.filter(({ dueAt }) => dueAt > now);
      return due;
    },
    again({ vm, dueAt, tries }) {
      if (tries < COMPLETED_TRIES) arrivals = [...arrivals, { vm, dueAt: dueAt + COMPLETED_AFTER_MS, tries: tries + 1 }];
    },
  };
}

/** Raw statistics of a job that runs (bounded or unbounded) and is a migration to elsewhere (VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT). */
function isMigration(text: string): boolean {
  return /^Job type:\s*[12]\s*$/m.test(text) && /^operation: 5\s*$/m.test(text);
}
