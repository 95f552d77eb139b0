import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const NEW_KEY = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';

/** A server's certificate for 127.0.0.1 and hooks.example.org, made for this run. */
export interface Certificates {
  /** Path of the authority that signed it. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  remove(): Promise<void>;
}

/** An authority, and a certificate that it signs. */
export async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'precopy-notify-'));
  const file = (name: string): string => join(folder, name);
  // the paths have no blanks
  const openssl = async (words: string): Promise<unknown> => run('openssl', words.split(' '));
  await openssl(`req -x509 ${NEW_KEY} -days 2 -subj /CN=authority -keyout ${file('ca.key')} -out ${file('ca.pem')}`);
  await openssl(`req ${NEW_KEY} -subj /CN=receiver -keyout ${file('key.pem')} -out ${file('request.csr')}`);
  await writeFile(file('names'), 'subjectAltName=IP:127.0.0.1,DNS:hooks.example.org\n');
  const signing = `-CA ${file('ca.pem')} -CAkey ${file('ca.key')} -CAcreateserial -extfile ${file('names')}`;
  await openssl(`x509 -req -days 2 -in ${file('request.csr')} ${signing} -out ${file('cert.pem')}`);
  return {
    ca: file('ca.pem'),
    cert: await readFile(file('cert.pem'), 'utf8'),
    key: await readFile(file('key.pem'), 'utf8'),
    remove: () => rm(folder, { recursive: true }),
  };
}
