import * as core from '../../lib/core/index.js';
import { describe, expect, it } from 'vitest';

const { GroupcacheError, InvalidOptionError } = core;

const samples: readonly core.GroupcacheError[] = [
  new core.InvalidOptionError('cacheBytes', '64Mb', 'expected more'),
  new core.InvalidKeyError('prices', 'the key', 'is bad'),
  new core.KeyTooLongError('prices', 'the key', 9000, 8000),
  new core.UnencodableArgumentError('PriceService.quote', 'argument 1', 'is a Date'),
  new core.PartialRemovalError('prices', { complete: false, acknowledged: [], pending: ['http://a', 'http://b'] }),
  new core.UnencodableValueError('json', 'the result', 'is a Date'),
  new core.UndecodableValueError('json', { cause: new Error('why') }),
  new core.ValueTooLargeError('prices', 11, 10),
  new core.LoadFailedError('prices', 'http://peer', { name: 'Error', message: 'no' }),
  new core.LoadTimeoutError('prices', 5000),
  new core.OverloadedError('prices', 'too many loads', 'http://peer'),
  new core.LoadAbandonedError('prices'),
  new core.PeerError('http://peer', 'refused the connection', { status: 502, cause: new Error('why') }),
  new core.UnknownGroupError('prices', ['cities']),
  new core.DuplicateGroupError('prices', ' by A and B'),
  new core.ClosedError('The pool'),
  new core.UncacheableMethodError('PriceController.quote', 'it is a route handler'),
];

describe('GroupcacheError', () => {
  it('has a sample of every class in this file', () => {
    const classes = Object.entries(core).filter(
      ([name, value]) => name.endsWith('Error') && (value as unknown) !== GroupcacheError,
    );

    expect(samples.map((error) => error.name).toSorted()).toEqual(classes.map(([name]) => name).toSorted());
  });

  it('has a stable code of its own in each class, and the class for its name', () => {
    expect(new Set(samples.map((error) => error.code)).size).toBe(samples.length);
    for (const error of samples) {
      expect(error).toBeInstanceOf(GroupcacheError);
      expect(error).toBeInstanceOf(Error);
      expect(error.code).toMatch(/^GROUPCACHE_[A-Z_]+$/);
      expect(error.name).toBe(error.constructor.name);
    }
  });

  it('never has the key in a message', () => {
    for (const error of samples) expect(error.message).not.toContain('the key');
  });

  it('keeps causes', () => {
    expect(samples.filter((error) => error.cause !== undefined).map((error) => error.name)).toEqual([
      'UndecodableValueError',
      'PeerError',
    ]);
  });

  it('says what it is about', () => {
    expect(samples.map((error) => `${error.code}: ${error.message}`)).toMatchInlineSnapshot(`
      [
        "GROUPCACHE_INVALID_OPTION: Option "cacheBytes" is "64Mb"; expected more",
        "GROUPCACHE_INVALID_KEY: Group "prices" was asked for a key that is bad",
        "GROUPCACHE_KEY_TOO_LONG: Group "prices" was asked for a key of 9000 bytes as sent to a peer; at most 8000 are accepted. Use a shorter key (a digest, say), or give the peers a "listen" port of their own, which takes longer ones",
        "GROUPCACHE_UNENCODABLE_ARGUMENT: PriceService.quote can't be cached by this call: argument 1 is a Date. Pass a string, a number, a boolean, null, or plain arrays and objects of these, or give @Cached a "key" codec: { key: { encode: (...args) => string, decode: (key) => args } }",
        "GROUPCACHE_PARTIAL_REMOVAL: A removal from group "prices" was not confirmed in time by http://a, http://b",
        "GROUPCACHE_UNENCODABLE_VALUE: The json codec can't carry this result: the result is a Date",
        "GROUPCACHE_UNDECODABLE_VALUE: The json codec could not decode the bytes: do all peers use the same codec for this group?",
        "GROUPCACHE_VALUE_TOO_LARGE: A value of group "prices" has 11 bytes; "maxValueBytes" allows 10",
        "GROUPCACHE_LOAD_FAILED: The load of a key of group "prices" failed at http://peer: Error: no",
        "GROUPCACHE_LOAD_TIMEOUT: A load of group "prices" did not settle within 5000 ms ("loadTimeout")",
        "GROUPCACHE_OVERLOADED: Group "prices" is overloaded: too many loads",
        "GROUPCACHE_LOAD_ABANDONED: Nobody waits any more for this load of group "prices"",
        "GROUPCACHE_PEER_FAILED: Peer http://peer refused the connection",
        "GROUPCACHE_UNKNOWN_GROUP: No group "prices" is defined; there are: cities",
        "GROUPCACHE_DUPLICATE_GROUP: Group "prices" is defined twice by A and B. A group has one getter: give the other one a name of its own",
        "GROUPCACHE_CLOSED: The pool is closed",
        "GROUPCACHE_UNCACHEABLE_METHOD: PriceController.quote can't be @Cached: it is a route handler",
      ]
    `);
    expect(samples.find((error) => error instanceof core.PeerError)?.status).toBe(502);
  });
});

function messageOf(option: string, value: unknown): string {
  return new InvalidOptionError(option, value, 'expected x').message;
}

describe('InvalidOptionError', () => {
  it.each<[string, unknown, string]>([
    ['self', undefined, 'Option "self" is missing; expected x'],
    ['self', 'ftp://a', 'Option "self" is "ftp://a"; expected x'],
    ['replicas', 0, 'Option "replicas" is 0; expected x'],
    ['peers', null, 'Option "peers" is null; expected x'],
    ['peers', ['a'], 'Option "peers" is ["a"]; expected x'],
    ['getter', () => 1, 'Option "getter" is a function; expected x'],
    ['codec', { toJSON: () => undefined }, 'Option "codec" is [object Object]; expected x'],
  ])('shows option %s as %j', (option, value, message) => {
    expect(messageOf(option, value)).toBe(message);
  });

  it('shows what JSON does not have', () => {
    expect(messageOf('replicas', 5n)).toBe('Option "replicas" is 5; expected x');
    expect(messageOf('codec', { big: 1n })).toBe('Option "codec" is [object Object]; expected x');
  });

  it('shows a long value shortened and a secret not at all', () => {
    expect(messageOf('peers', 'x'.repeat(500))).toMatch(/^Option "peers" is "x{116}\.\.\.; expected x$/);
    expect(messageOf('auth.secret', 'hunter2')).toBe('Option "auth.secret" is not acceptable; expected x');
  });
});
