import { fileURLToPath } from 'node:url';

const file = (name: string): string => fileURLToPath(new URL(`fixtures/tls/${name}.pem`, import.meta.url));
const certificate = (name: string) => ({ key: { file: file(`${name}.key`) }, cert: { file: file(name) } }) as const;

/** By `fixtures/tls/make.sh`. Good until 2120 if nothing else is said; all keys are public, and good for tests alone. */
export const tlsCertificates = {
  /** By it are all but `stranger`. */
  authority: { file: file('authority') },
  otherAuthority: { file: file('other-authority') },
  /** For localhost, 127.0.0.1 and peers.test. */
  peer: certificate('peer'),
  /** The same names, another key. */
  renewed: certificate('renewed'),
  /** As `peer`, by an intermediate authority by `authority`, whose certificate is with it. */
  chained: certificate('chained'),
  /** For peers.test alone. */
  named: certificate('named'),
  /** For localhost and 127.0.0.1 alone. */
  unnamed: certificate('unnamed'),
  /** As `peer`, by `otherAuthority`. */
  stranger: certificate('stranger'),
  /** As `peer`, until 2021. */
  expired: certificate('expired'),
} as const;
