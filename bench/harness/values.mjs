// The values of the benchmarks, each told by its key alone, so that every process and every rival knows what is right:
// `text-100-7` is the seventh text of 100 bytes, `json-1000-7` the seventh object of 1,000 bytes of JSON, and
// `slow200-100-7` a text whose load takes 200 ms.
import { setTimeout as after } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

/** `count` keys of values of one kind. */
export function keysOf(kind, bytes, count) {
  return Array.from({ length: count }, (_, number) => `${kind}-${bytes}-${number}`);
}

/** The value of a key. */
export function valueOf(key) {
  const [kind, bytes] = key.split('-');
  if (kind === 'json') return objectOf(key, Number(bytes));
  const text = key.padEnd(Number(bytes), 'value of the key ');
  return kind === 'bytes' ? Buffer.from(text) : text;
}

/** Loads the value of a key, in the time that the key says. */
export async function load(key) {
  if (key.startsWith('slow')) await after(Number.parseInt(key.slice(4), 10));
  return valueOf(key);
}

/** Throws unless `value` is the right one. */
export function check(key, value) {
  if (!isDeepStrictEqual(value instanceof Uint8Array ? Buffer.from(value) : value, valueOf(key))) {
    throw new Error(`${key} came back as ${JSON.stringify(value)?.slice(0, 200)}`);
  }
}

/** Of about so many bytes of JSON: what an API gives, a few fields and a list of small objects. */
function objectOf(key, bytes) {
  const object = { id: key, name: `the one called ${key}`, active: true, rate: 12.5, tags: ['one', 'two'], parts: [] };
  let length = JSON.stringify(object).length;
  while (length + 50 <= bytes) {
    const part = { number: object.parts.length, label: `part of it`, price: 99.25 };
    object.parts.push(part);
    length += JSON.stringify(part).length + 1;
  }
  return object;
}
