import { z } from 'zod';

/** When people are told, and of how much at once. */
export const alertSettings = z.strictObject({
  maxAgeMs: z
    .int()
    .min(60_000)
    .default(3_600_000)
    .describe('what happened longer ago than this, ms, when it is read, makes no new alert: old logs wake nobody'),
  groupEveryMs: z
    .int()
    .min(0)
    .default(60_000)
    .describe('of alerts with the same cause the first is told at once, and more of them at most this often, ms'),
  keepMs: z
    .int()
    .min(3_600_000)
    .default(86_400_000)
    .describe('a resolved alert is remembered this long, ms: one that fires again is the same'),
  storm: z
    .strictObject({
      alerts: z.int().min(2).default(20).describe('more new alerts than this of a cluster are told as one summary'),
      withinMs: z.int().min(1000).default(300_000).describe('time in which they are counted, and between two summaries, ms'),
    })
    .prefault({})
    .describe('what is told when everything breaks at once'),
});

/** See `alertSettings`. */
export type AlertSettings = z.infer<typeof alertSettings>;
