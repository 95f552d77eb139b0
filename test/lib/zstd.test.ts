import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { zstd } from '../../src/lib/zstd.ts';

const RECORDING = 'recordings/libvirt-9.0/healthy/hosts/kvm-a/var/log/libvirt/libvirtd.log';

interface Bindings {
  compress(bytes: Buffer, level: number): Promise<Buffer>;
}

test('packs at its first level, which costs the least, and unpacks it', async () => {
  const bytes = readFileSync(RECORDING);
  const packed = await zstd.pack(bytes);
  const bindings = createRequire(import.meta.url)('@mongodb-js/zstd/bindings.js') as Bindings;
  const off = async (level: number): Promise<number> => Math.abs(packed.length - (await bindings.compress(bytes, level)).length);
  // of whichever release of zstd is used
  expect(await off(1)).toBeLessThan(await off(3));
  expect(await zstd.unpack(packed)).toEqual(bytes);
});
