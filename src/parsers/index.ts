import { cloudstackAgent } from './cloudstack-agent.ts';
import type { Parser } from './parser.ts';

/** Every parser, one per source. */
export const parsers: readonly Parser[] = [cloudstackAgent];
