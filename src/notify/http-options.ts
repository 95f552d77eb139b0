import { z } from 'zod';
import { duration } from '../lib/duration.ts';

/** Path of a PEM file. */
export const pemFile = z.string().startsWith('/').nullable().default(null);

/** What every notifier that speaks HTTP can be told of the way. */
export const httpOptions = {
  timeout: duration.default('10s').describe('How long one attempt may take, from connecting to the last byte of the answer.'),
  ca: pemFile.describe("PEM file of the authorities to trust; null: the machine's."),
  cert: pemFile.describe('PEM file of the client certificate, where the receiver asks for one.'),
  key: pemFile.describe('PEM file of its key, without a passphrase.'),
};

/** A password, token or key: never printed. */
export const secretText = z.string().min(1).meta({ secret: true });

/** Address of a receiver. Credentials are keys of their own: an address is shown. */
export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'an address like https://alerts.example.org/path' })
  .refine((url) => !/\/\/[^/]*@/.test(url), { error: 'without user and password: they go into a header, or a key of their own' });
