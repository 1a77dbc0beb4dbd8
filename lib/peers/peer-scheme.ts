import { InvalidOptionError } from '../core/errors.js';
import type { PeerUrl } from './peer-url.js';

/** Throws an `InvalidOptionError` naming `option` for a peer that would be asked in the clear though there is `tls`. */
export function requireScheme(option: string, { url, origin }: PeerUrl, isTls: boolean): void {
  if (!isTls || origin.startsWith('https:')) return;
  const expected = `with "tls", peers are asked by https: expected ${url.replace(/^http/i, 'https')}`;
  throw new InvalidOptionError(option, url, expected);
}

/** Throws an `InvalidOptionError` if some of `peers` would be asked in the clear and others not. */
export function requireOneScheme(peers: readonly PeerUrl[]): void {
  if (new Set(peers.map(({ origin }) => origin.startsWith('https:'))).size < 2) return;
  const urls = peers.map(({ url }) => url);
  throw new InvalidOptionError('peers', urls, 'expected https for all peers or for none');
}
