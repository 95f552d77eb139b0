import { randomUUID } from 'node:crypto';
import { hasEnded, thisProcess } from '../../lib/running-process.ts';
import type { EmbeddedDatabase, Tables } from './database.ts';
import { ensurePartitions, groupState, partitionsOf } from './journal.ts';

/** What a member is to do. */
export interface Assignment {
  /** Partitions whose lease it has. */
  readonly held: readonly number[];
  /** Those of them that another member is to get: to be released when the batch in hand is done. */
  readonly surplus: readonly number[];
}

/** One consumer among those of its group. */
export interface Membership {
  /** Identifies it in leases. */
  readonly id: string;
  /** Joins, says that it is alive, buries the dead, and takes the leases that are free and its own share. @throws AppError */
  settle(): Promise<Assignment>;
  /** Whether `settle` would change anything but the time of renewal. A look, no transaction. */
  unsettled(): boolean;
  /** Says that it is alive, and changes nothing else. @throws AppError */
  renew(): Promise<void>;
  /** Gives a lease back, where it still has it. @throws AppError */
  release(partition: number): Promise<void>;
  /** Gives back all leases and its place. @throws AppError */
  leave(): Promise<void>;
}

/** What a membership is in, and what it is made of. */
export interface MembershipSetting {
  readonly database: EmbeddedDatabase;
  readonly topic: string;
  readonly group: string;
  /** Partitions that the topic has at least. */
  readonly partitions: number;
  /** Unix ms. */
  now(): number;
}

/**
 * After so long without a renewal a member counts as dead although its process may live. Far longer than any pause of a healthy
 * process: one that was stopped for longer, and goes on, may be in the middle of a batch that another one handles by then.
 */
export const LEASE_MS = 30_000;

/** Takes part in a group; nothing is written before `settle`. */
export function createMembership(setting: MembershipSetting): Membership {
  const { database, topic, group, partitions, now } = setting;
  const id = `${String(now()).padStart(15, '0')}-${randomUUID()}`;
  const process = thisProcess();
  return {
    id,
    settle: () =>
      database.write((tables) => {
        register(tables, { topic, group, count: ensurePartitions(tables, topic, partitions) });
        const { dead, held, take, surplus } = planOf(tables, { ...setting, id });
        for (const member of dead) tables.members.removeSync([topic, group, member]);
        tables.members.putSync([topic, group, id], { process, renewedAt: now() });
        for (const partition of take) tables.leases.putSync([topic, group, partition], id);
        return { held: [...held, ...take], surplus };
      }),
    renew: () =>
      database.write((tables) => {
        tables.members.putSync([topic, group, id], { process, renewedAt: now() });
      }),
    unsettled: () =>
      database.read((tables) => {
        const { dead, take, held, surplus } = planOf(tables, { ...setting, id });
        return dead.length > 0 || take.length > 0 || surplus.length > 0 || (held.length > 0 && !isMember(tables, setting, id));
      }),
    release: (partition) =>
      database.write((tables) => {
        if (tables.leases.get([topic, group, partition]) === id) tables.leases.removeSync([topic, group, partition]);
      }),
    leave: () =>
      database.write((tables) => {
        for (const partition of planOf(tables, { ...setting, id }).held) tables.leases.removeSync([topic, group, partition]);
        tables.members.removeSync([topic, group, id]);
      }),
  };
}

/** A group is known from now on: nothing is dropped that it has not read. */
function register(tables: Tables, { topic, group, count }: { topic: string; group: string; count: number }): void {
  for (let partition = 0; partition < count; partition += 1) {
    if (groupState(tables, { topic, partition, group }) === null)
      tables.groups.putSync([topic, partition, group], { offset: null, note: null });
  }
}

interface Plan extends Assignment {
  readonly dead: readonly string[];
  readonly take: readonly number[];
}

/** Partition p is the share of member p modulo their number, in the order in which they joined: all members see it alike. */
function planOf(tables: Tables, { topic, group, id, now }: MembershipSetting & { readonly id: string }): Plan {
  const members = [...tables.members.getRange({ start: [topic, group], end: [topic, group, '\uffff'] })].map(
    ({ key, value }) => ({
      id: String((key as readonly unknown[])[2]),
      ...value,
    }),
  );
  const others = members.filter((member) => member.id !== id);
  const dead = others
    .filter(({ process, renewedAt }) => hasEnded(process) || renewedAt + LEASE_MS < now())
    .map((member) => member.id);
  const alive = [...others.map((member) => member.id).filter((member) => !dead.includes(member)), id].toSorted();
  const plan = { dead, held: [] as number[], take: [] as number[], surplus: [] as number[] };
  for (let partition = 0; partition < partitionsOf(tables, topic); partition += 1) {
    const holder = tables.leases.get([topic, group, partition]);
    const mine = alive[partition % alive.length] === id;
    if (holder === id) {
      plan.held.push(partition);
      if (!mine) plan.surplus.push(partition);
    } else if (mine && (holder === undefined || !alive.includes(holder))) {
      plan.take.push(partition);
    }
  }
  return plan;
}

function isMember({ members }: Tables, { topic, group }: MembershipSetting, id: string): boolean {
  return members.get([topic, group, id]) !== undefined;
}
