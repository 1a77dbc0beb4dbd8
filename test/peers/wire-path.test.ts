import { assert, oneof, property, string, stringMatching } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePath, encodeSegment } from '../../lib/peers/wire-path.js';
import vectors from '../vectors/go-paths.json' with { type: 'json' };

const BASE_PATH = '/_groupcache/';

describe('decodePath', () => {
  it.each(vectors.sent.map((sent) => [JSON.stringify(sent.key).slice(0, 40), sent] as const))(
    "reads the group and key of a Go client's request for %s",
    (_name, { group, key, target }) => {
      expect(decodePath(target.slice(BASE_PATH.length))).toEqual({ group, key });
    },
  );

  it('reads what a Go server reads, but for a raw plus, which is a space, and a slash in a group, which stays in it', () => {
    const readByGo = vectors.served.filter(
      ({ method, target, direct }) =>
        method === undefined &&
        'key' in direct &&
        target.startsWith(BASE_PATH) &&
        /^[\u0021-\u007e]*$/.test(target) &&
        !target.includes('?') &&
        !target.includes('+') &&
        target !== '/_groupcache/prices%2Fa',
    );
    expect(readByGo.length).toBeGreaterThan(30);
    for (const { target, direct } of readByGo) {
      const { group, key } = direct as { group: string; key: string };
      expect(decodePath(target.slice(BASE_PATH.length)), target).toEqual({ group, key });
    }
    expect(decodePath('prices/a+b')).toEqual({ group: 'prices', key: 'a b' });
    expect(decodePath('a%2Fb/c')).toEqual({ group: 'a/b', key: 'c' });
  });

  it.each([
    ['no slash', 'prices'],
    ['no slash but an encoded one', 'prices%2Fa'],
    ['a lone percent sign', 'prices/%'],
    ['half an escape', 'prices/%2'],
    ['an escape that is none', 'prices/%zz'],
    ['bytes that are not UTF-8', 'prices/%FF'],
    ['an encoded lone surrogate', 'prices/%ED%A0%80'],
    ['an overlong form', 'prices/%C0%AF'],
    ['a raw byte above ASCII', 'prices/\u00e9'],
    ['a bad escape in the group', '%/a'],
    ['nothing', ''],
  ])('refuses %s', (_name, rest) => {
    expect(decodePath(rest)).toBeUndefined();
  });

  it('refuses or reads any text, and never throws', () => {
    assert(
      property(string({ unit: 'binary' }), (rest) => {
        const path = decodePath(rest);
        return path === undefined || (path.group.isWellFormed() && path.key.isWellFormed());
      }),
    );
  });
});

describe('encodeSegment', () => {
  it("writes what Go's url.QueryEscape writes, but for spaces and dots", () => {
    for (const { group, key, target } of vectors.sent) {
      const sent = BASE_PATH + encodeSegment(group) + '/' + encodeSegment(key);
      const segments = target.slice(BASE_PATH.length).split('/');
      const expected = segments.map((segment) =>
        segment === '.' || segment === '..' ? segment.replaceAll('.', '%2E') : segment.replaceAll('+', '%20'),
      );
      expect(sent).toBe(BASE_PATH + expected.join('/'));
    }
  });

  it('leaves letters, digits and -_.~ alone and escapes all else', () => {
    expect(encodeSegment("aZ09-_.~!'()*+/?#[]@:;,=&$ ")).toBe(
      'aZ09-_.~%21%27%28%29%2A%2B%2F%3F%23%5B%5D%40%3A%3B%2C%3D%26%24%20',
    );
  });

  it('makes dots that a URL parser would not resolve', () => {
    expect([encodeSegment('.'), encodeSegment('..'), encodeSegment('...')]).toEqual(['%2E', '%2E%2E', '...']);
  });

  it('makes a round trip of any group and key', () => {
    const text = oneof(
      string({ unit: 'grapheme', maxLength: 40 }),
      string({ unit: 'binary', maxLength: 40 }).map((chunk) => chunk.toWellFormed()),
      stringMatching(/^[ +%./\\?#&;=]*$/),
    );
    assert(
      property(text, text, (group, key) => {
        const path = `${encodeSegment(group)}/${encodeSegment(key)}`;
        expect(path).toMatch(/^[A-Za-z0-9\-_.~%]*\/[A-Za-z0-9\-_.~%]*$/);
        expect(decodePath(path)).toEqual({ group, key });
      }),
      { numRuns: 500 },
    );
  });
});
