import { InvalidOptionError } from '../core/errors.js';

/** A peer's URL, taken apart for asking it. */
export interface PeerUrl {
  /** As it stands in the ring. */
  readonly url: string;
  /** Scheme, host and port. */
  readonly origin: string;
  /** The path before the base path, without a trailing slash; mostly empty. */
  readonly pathPrefix: string;
}

/**
 * Reads a peer's URL. Two spellings of one URL (a trailing slash, the default port, the case of the host) become one,
 * unless `keepAsGiven`, which rings with Go peers need, for Go hashes the text.
 *
 * Throws an `InvalidOptionError` naming `option` for anything but an http or https URL without query and credentials.
 */
export function parsePeerUrl(option: string, text: string, keepAsGiven: boolean): PeerUrl {
  const expected = `expected an absolute URL such as 'http://10.0.0.5:3000'`;
  if (typeof text !== 'string' || !URL.canParse(text)) throw new InvalidOptionError(option, text, expected);
  const parsed = new URL(text);
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw new InvalidOptionError(option, text, `${expected}, by http or https`);
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new InvalidOptionError(option, `${parsed.protocol}//***@${parsed.host}`, `${expected}, without credentials`);
  }
  if (parsed.search !== '' || parsed.hash !== '' || parsed.port === '0') {
    throw new InvalidOptionError(option, text, `${expected}, without query or fragment and with a real port`);
  }
  const pathPrefix = parsed.pathname.replace(/\/+$/, '');
  return { url: keepAsGiven ? text : parsed.origin + pathPrefix, origin: parsed.origin, pathPrefix };
}
