import { InvalidKeyError, UnencodableArgumentError } from '../core/errors.js';
import { firstJsonObstacle } from '../core/json-obstacle.js';

/**
 * Turns a method's arguments into a key and back.
 *
 * The owner of a key has only the key: `decode(encode(...args))` must give arguments that the method takes for the same.
 * Must be the same at every peer.
 */
export interface KeyCodec<Args extends readonly unknown[]> {
  encode(...args: Args): string;
  decode(key: string): Args;
}

/** Both directions, over arguments from which a trailing `AbortSignal` is already taken. */
export interface ArgsKey {
  /** Throws an `UnencodableArgumentError`. */
  encode(args: readonly unknown[]): string;
  /** Throws an `InvalidKeyError` for a key that no arguments encode to. */
  decode(key: string): readonly unknown[];
}

const OPENING_BRACKET = 0x5b;

/**
 * The default: one string is the key itself, so that Go peers and people can write it; anything else is a canonical JSON
 * array, its objects' properties in order. A string that begins with `[` becomes JSON as well, so the two never meet.
 *
 * Trailing arguments that are `undefined` count as not given, as do properties that are.
 */
export function jsonArgsKey(group: string, method: string): ArgsKey {
  const encode = (args: readonly unknown[]): string => {
    let count = args.length;
    while (count > 0 && args[count - 1] === undefined) count--;
    const first = args[0];
    if (count === 1 && typeof first === 'string' && first.charCodeAt(0) !== OPENING_BRACKET) return first;

    let json = '[';
    for (let index = 0; index < count; index++) {
      const path = `argument ${index + 1}`;
      const obstacle = firstJsonObstacle(args[index], path);
      if (obstacle !== undefined) throw new UnencodableArgumentError(method, obstacle.path, obstacle.reason);
      json += (index === 0 ? '' : ',') + canonicalJson(args[index]);
    }
    return `${json}]`;
  };

  const decode = (key: string): readonly unknown[] => {
    if (!key.startsWith('[')) return [key];
    const args = parseArray(key);
    // One set of arguments, one key: another spelling would be loaded and kept beside it.
    if (args === undefined || encode(args) !== key) {
      throw new InvalidKeyError(group, key, `begins with "[" but is not what ${method}'s arguments encode to`);
    }
    return args;
  };

  return { encode, decode };
}

/** A user's codec, held to its word. */
export function customArgsKey(group: string, method: string, codec: KeyCodec<any>): ArgsKey {
  return {
    encode(args) {
      const key: unknown = codec.encode(...args);
      if (typeof key !== 'string')
        throw new UnencodableArgumentError(method, 'the key', 'of its "key" codec is not a string');
      return key;
    },
    decode(key) {
      const args: unknown = codec.decode(key);
      if (!Array.isArray(args)) throw new InvalidKeyError(group, key, `the "key" codec of ${method} made no array of`);
      return args;
    },
  };
}

function parseArray(json: string): unknown[] | undefined {
  try {
    const value = JSON.parse(json) as unknown;
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** JSON with every object's properties sorted by name. */
function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const properties = Object.entries(value)
    .filter(([, property]) => property !== undefined)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, property]) => `${JSON.stringify(name)}:${canonicalJson(property)}`);
  return `{${properties.join(',')}}`;
}
