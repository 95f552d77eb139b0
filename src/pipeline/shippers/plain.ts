import { textOf, withoutBreak } from './json-message.ts';
import type { Shipper } from './shipper.ts';

/**
 * The line itself, of anything that writes it so. The host is in the header `host`, else in the key; the path in the header `path`.
 * What they lack, the configuration of the topic says.
 */
export const plain: Shipper = {
  format: 'plain',
  title: 'plain lines',
  configuration: null,
  reference: 'our own: docs/shippers.md, Plain lines',
  read({ key, headers, value }) {
    const text = textOf(value);
    if (text === null) return { problem: 'not UTF-8' };
    const host = headers['host'] || key || null;
    return {
      lines: [{ text: withoutBreak(text), host, path: headers['path'] || null, program: null, at: null, place: null }],
    };
  },
  samples: [
    {
      name: 'the key is the host',
      message: { key: 'kvm1', value: 'a line\n' },
      lines: [{ text: 'a line', host: 'kvm1', path: null, program: null, at: null, place: null }],
    },
    {
      name: 'headers say host and path',
      message: { key: 'any', headers: { host: 'kvm2', path: '/var/log/messages' }, value: 'a line' },
      lines: [{ text: 'a line', host: 'kvm2', path: '/var/log/messages', program: null, at: null, place: null }],
    },
  ],
};
