import { InvalidOptionError } from 'nestjs-groupcache/core';
import { describe, expect, it } from 'vitest';
import { parsePeerUrl } from '../../lib/peers/peer-url.js';

describe('parsePeerUrl', () => {
  it.each([
    ['http://10.0.0.5:3000', 'http://10.0.0.5:3000'],
    ['http://10.0.0.5:3000/', 'http://10.0.0.5:3000'],
    ['HTTP://Peer-1.Example:80', 'http://peer-1.example'],
    ['https://peer-1.example:443//', 'https://peer-1.example'],
    ['http://[::1]:3000/', 'http://[::1]:3000'],
    ['http://gate.example/one/', 'http://gate.example/one'],
  ])('makes one spelling of %s', (text, url) => {
    expect(parsePeerUrl('peers', text, false).url).toBe(url);
  });

  it.each(['http://10.0.0.5:3000/', 'HTTP://Peer-1.Example:80', 'http://[::1]:3000'])(
    'keeps %s as given where Go hashes it',
    (text) => {
      expect(parsePeerUrl('peers', text, true).url).toBe(text);
    },
  );

  it('takes the URL apart for asking the peer, however it is spelled', () => {
    expect(parsePeerUrl('peers', 'HTTP://Gate.Example:80/one/', true)).toEqual({
      url: 'HTTP://Gate.Example:80/one/',
      origin: 'http://gate.example',
      pathPrefix: '/one',
    });
  });

  it.each([
    ['10.0.0.5:3000', 'an absolute URL'],
    ['peer-1', 'an absolute URL'],
    ['', 'an absolute URL'],
    [undefined, 'an absolute URL'],
    ['ftp://peer-1', 'by http or https'],
    ['peer-1:3000', 'by http or https'],
    ['http://peer-1/?a', 'without query'],
    ['http://peer-1/#a', 'without query'],
    ['http://peer-1:0', 'a real port'],
  ])('refuses %s, naming the option', (text, expected) => {
    const parse = (): unknown => parsePeerUrl('self', text as string, false);
    expect(parse).toThrow(InvalidOptionError);
    expect(parse).toThrow(/^Option "self" /);
    expect(parse).toThrow(expected);
  });

  it('refuses credentials without repeating them', () => {
    const url = 'http://user:hunter2@peer-1';
    expect(() => parsePeerUrl('peers', url, false)).toThrow('without credentials');
    expect(() => parsePeerUrl('peers', url, false)).not.toThrow('hunter2');
  });
});
