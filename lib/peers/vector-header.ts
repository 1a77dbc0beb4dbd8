import type { InvalidationVector } from '../core/invalidation-log.js';

/** A header has room for so many; a peer that knows of more does not say what it has applied. */
const MAX_ORIGINS = 100;

/** `vector` as `{origin}={number}`, by commas; `undefined` where it is empty, or too long to be said. */
export function vectorToHeader(vector: InvalidationVector): string | undefined {
  if (vector.size === 0 || vector.size > MAX_ORIGINS) return undefined;
  return Array.from(vector, ([origin, seq]) => `${origin}=${seq}`).join(',');
}

/** Whether `header` has everything that `vector` has. */
export function headerCovers(header: string | undefined, vector: InvalidationVector): boolean {
  if (vector.size === 0) return true;
  const numbers = new Map((header ?? '').split(',').map((item) => item.split('=') as [string, string]));
  return [...vector].every(([origin, seq]) => Number(numbers.get(origin) ?? 0) >= seq);
}
