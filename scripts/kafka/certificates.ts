import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of PEM files that are good for a day. */
export interface Certificates {
  readonly ca: string;
  /** Signed nothing here. */
  readonly otherCa: string;
  /** Key and certificate of all brokers, for 127.0.0.1. */
  readonly broker: string;
  readonly clientKey: string;
  readonly clientCertificate: string;
}

/** Makes certificates into a folder. */
export function certificates(folder: string): Certificates {
  const ca = authority(folder, 'ca');
  const otherCa = authority(folder, 'other-ca');
  const broker = signed(folder, 'broker', ca);
  const client = signed(folder, 'client', ca);
  const together = join(folder, 'broker.pem');
  writeFileSync(together, readFileSync(broker.key, 'utf8') + readFileSync(broker.certificate, 'utf8'));
  return {
    ca: ca.certificate,
    otherCa: otherCa.certificate,
    broker: together,
    clientKey: client.key,
    clientCertificate: client.certificate,
  };
}

interface Pair {
  readonly key: string;
  readonly certificate: string;
}

function authority(folder: string, name: string): Pair {
  const pair = { key: join(folder, `${name}.key`), certificate: join(folder, `${name}.crt`) };
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', ...files(pair), '-subj', `/CN=${name}`);
  return pair;
}

function signed(folder: string, name: string, by: Pair): Pair {
  const pair = { key: join(folder, `${name}.key`), certificate: join(folder, `${name}.crt`) };
  const signer = ['-CA', by.certificate, '-CAkey', by.key];
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '1',
    ...files(pair),
    '-subj',
    `/CN=${name}`,
    ...signer,
    ...names,
  );
  return pair;
}

function files({ key, certificate }: Pair): readonly string[] {
  return ['-keyout', key, '-out', certificate];
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
