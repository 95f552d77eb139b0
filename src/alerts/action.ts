import { z } from 'zod';
import type { AlertAction } from './alert.ts';

const instant = z.int().nonnegative();
const done = { id: z.string().min(1).max(100), by: z.string().min(1).max(200), at: instant, comment: z.string().max(2000) };

const matcher = z.strictObject({
  field: z.enum(['detector', 'severity', 'vm', 'host', 'cluster', 'id']),
  is: z.enum(['=', '!=', '=~', '!~']),
  value: z.string().max(500),
});

/** An action as another process brings it. */
export const alertAction: z.ZodType<AlertAction> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('acknowledge'), ...done, alert: z.string().min(1) }),
  z.strictObject({
    kind: z.literal('silence'),
    ...done,
    matchers: z.array(matcher).min(1).max(50),
    from: instant,
    until: instant,
  }),
  z.strictObject({ kind: z.literal('expire'), ...done, silence: z.string().min(1) }),
]);
