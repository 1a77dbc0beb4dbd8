/**
 * One segment of a request path: what Go's `url.QueryEscape` writes, but `%20` for a space, which every server decodes
 * correctly, and `%2E` in `.` and `..`, which anything on the way might resolve.
 */
export function encodeSegment(text: string): string {
  if (text === '.') return '%2E';
  if (text === '..') return '%2E%2E';
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The group and key that a request asks for. */
export interface RequestPath {
  readonly group: string;
  readonly key: string;
}

/**
 * Reads the part of a raw request target that follows the base path; `undefined` if it has no `/` or is not
 * percent-encoded UTF-8.
 *
 * Decoded exactly once; nothing is resolved or cleaned, so that `..`, `//` and the empty key are keys like any other. A
 * raw `+` is a space: Go's client writes it so, and a real plus as `%2B`.
 */
export function decodePath(rest: string): RequestPath | undefined {
  const slash = rest.indexOf('/');
  if (slash < 0) return undefined;
  const group = decodeSegment(rest.slice(0, slash));
  const key = decodeSegment(rest.slice(slash + 1));
  return group === undefined || key === undefined ? undefined : { group, key };
}

function decodeSegment(segment: string): string | undefined {
  try {
    // eslint-disable-next-line no-control-regex -- Node hands out the target's bytes as Latin-1
    if (/[^\x00-\x7f]/.test(segment)) return undefined;
    return decodeURIComponent(segment.includes('+') ? segment.replaceAll('+', ' ') : segment);
  } catch {
    return undefined;
  }
}
