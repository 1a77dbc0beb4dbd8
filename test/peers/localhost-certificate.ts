import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const fileOf = (kind: 'key' | 'cert'): string =>
  fileURLToPath(new URL(`fixtures/localhost.${kind}.pem`, import.meta.url));

/** Signed by itself, for localhost and 127.0.0.1, until 2120. Known to everybody, so good for nothing but tests. */
export const localhostCertificate = {
  key: readFileSync(fileOf('key'), 'utf8'),
  cert: readFileSync(fileOf('cert'), 'utf8'),
  certFile: fileOf('cert'),
} as const;
