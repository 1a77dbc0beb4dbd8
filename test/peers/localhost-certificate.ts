import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const keyFile = fileURLToPath(new URL('fixtures/localhost.key.pem', import.meta.url));
const certFile = fileURLToPath(new URL('fixtures/localhost.cert.pem', import.meta.url));

/** Signed by itself, for localhost and 127.0.0.1, until 2120. Its key is public, so it is good for tests alone. */
export const localhostCertificate = {
  key: readFileSync(keyFile, 'utf8'),
  cert: readFileSync(certFile, 'utf8'),
  keyFile,
  certFile,
} as const;
