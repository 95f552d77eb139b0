import { z } from 'zod';
import type { UserResult } from '../store/store.ts';

/** What limits a question; times are Unix ms. */
export const filterShape = z.strictObject({
  since: z.number().nullable().default(null),
  until: z.number().nullable().default(null),
  host: z.string().nullable().default(null),
  vm: z.string().nullable().default(null),
  cluster: z.string().nullable().default(null),
  limit: z.int().min(1).max(1_000_000).default(100),
});

/** See `filterShape`. */
export type Filter = z.infer<typeof filterShape>;

/** Rows that answer a question, and what their columns hold. */
export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  /** There was more than was asked for. */
  readonly truncated: boolean;
}

/** What can be asked of a store, here or of a running instance. */
export interface Questions {
  /** One of the named questions. @throws AppError `not-found` where there is none of this name. */
  ask(name: string, filter: Filter): Promise<Answer>;
  /** SQL of the user, read-only. @throws AppError `bad-query`. */
  sql(text: string, maxRows: number): Promise<UserResult>;
  doctor(filter: Filter): Promise<Diagnosis>;
}

/** How one thing is. */
export interface Check {
  /** What was looked at: `loss`, `collector arp:cloudbr0 of kvm-a`. */
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  /** In a sentence with numbers. */
  readonly summary: string;
  readonly details: readonly string[];
  /** What to do; `null` where nothing is to be done. */
  readonly hint: string | null;
}

/** How an instance is. */
export interface Diagnosis {
  /** Unix ms. */
  readonly at: number;
  readonly checks: readonly Check[];
}
