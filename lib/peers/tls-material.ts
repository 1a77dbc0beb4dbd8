import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { InvalidOptionError } from '../core/errors.js';

/** PEM text, or the file that has it. */
export type Pem = string | Buffer | { readonly file: string };

/** What a process shows to its peers, and whom it believes. */
export interface TlsMaterial {
  /** Private key of `cert`, not encrypted. */
  readonly key?: Pem;

  /** Certificate of this process, with the intermediate ones after it: as a server, and as a client where that is asked. */
  readonly cert?: Pem;

  /** The authorities, one certificate or several, by which the other peers' certificates must be. Default Node's own. */
  readonly ca?: Pem;
}

/** Material that has been read and found good. */
export interface CheckedMaterial {
  readonly key: string | undefined;
  readonly cert: string | undefined;
  readonly ca: string | undefined;
  /** When `cert` ends. */
  readonly expires: Date | undefined;
}

/**
 * Reads `material`, files included, and checks that peers could accept it: well-formed, a key that belongs to its
 * certificate, a certificate that has not expired and is by one of `ca` where that is given.
 *
 * Throws an `InvalidOptionError`, which shows files but no content. Reads in one go, so that of files that are replaced
 * together it hardly ever gets some of each; if it does, they are found not to fit.
 */
export function readMaterial(material: TlsMaterial, now = Date.now()): CheckedMaterial {
  const [key, cert, ca] = (['key', 'cert', 'ca'] as const).map((name) => read(name, material[name]));
  if ((key === undefined) !== (cert === undefined)) {
    throw new InvalidOptionError(key === undefined ? 'tls.key' : 'tls.cert', undefined, 'key and cert go together');
  }
  const authorities = ca === undefined ? undefined : certificatesOf('ca', material, ca);
  if (cert === undefined || key === undefined) return { key, cert, ca, expires: undefined };

  const chain = certificatesOf('cert', material, cert);
  const expires = new Date(chain[0]!.validTo);
  if (expires.getTime() <= now) throw invalid('cert', material, `it has expired on ${expires.toISOString()}`);
  if (authorities !== undefined && !isBy(authorities, chain)) {
    throw invalid('cert', material, 'it is not by an authority of "tls.ca", so that no peer would accept it');
  }
  checkKey(material, key, chain[0]!);
  checkContext({ key, cert, ca });
  return { key, cert, ca, expires };
}

/** Whether some of `material` can have changed since it was read. */
export function isInFiles(material: TlsMaterial): boolean {
  return [material.key, material.cert, material.ca].some(isFile);
}

function read(name: keyof TlsMaterial, pem: Pem | undefined): string | undefined {
  if (pem === undefined) return undefined;
  if (typeof pem === 'string' || Buffer.isBuffer(pem)) return pem.toString();
  if (!isFile(pem) || typeof pem.file !== 'string') {
    throw new InvalidOptionError(`tls.${name}`, typeof pem, 'expected PEM text, or { file } that has it');
  }
  try {
    return readFileSync(pem.file, 'utf8');
  } catch (error) {
    throw new InvalidOptionError(`tls.${name}`, pem, `it can't be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function certificatesOf(name: 'cert' | 'ca', material: TlsMaterial, text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    const certificates = blocks.map((block) => new X509Certificate(block));
    if (certificates.length > 0) return certificates;
  } catch {
    // Said below.
  }
  throw invalid(name, material, 'expected one certificate or several in PEM');
}

/** Whether `chain` leads, in whatever order its intermediate certificates stand, to one of `authorities`. */
function isBy(authorities: readonly X509Certificate[], chain: readonly X509Certificate[]): boolean {
  const left = new Set(chain);
  let certificate = chain[0];
  while (certificate !== undefined) {
    const current: X509Certificate = certificate;
    if (authorities.some((authority) => isIssuedBy(current, authority))) return true;
    left.delete(current);
    certificate = [...left].find((next) => isIssuedBy(current, next));
  }
  return false;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function checkKey(material: TlsMaterial, key: string, certificate: X509Certificate): void {
  let isItsKey: boolean;
  try {
    isItsKey = certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    throw invalid('key', material, 'expected a private key in PEM, not encrypted');
  }
  if (!isItsKey) throw invalid('key', material, 'it is not the key of "tls.cert"');
}

/** What is well-formed may still be refused by OpenSSL: a key that is too short, an old digest. */
function checkContext(material: SecureContextOptions): void {
  try {
    createSecureContext(material);
  } catch (error) {
    throw new InvalidOptionError('tls.cert', '***', `OpenSSL does not take it (${(error as { code?: string }).code})`);
  }
}

function invalid(name: keyof TlsMaterial, material: TlsMaterial, expected: string): InvalidOptionError {
  const pem = material[name];
  return new InvalidOptionError(`tls.${name}`, isFile(pem) ? pem : '***', expected);
}

function isFile(pem: Pem | undefined): pem is { readonly file: string } {
  return typeof pem === 'object' && 'file' in pem;
}
