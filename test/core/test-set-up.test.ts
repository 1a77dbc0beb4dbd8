import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { ByteView } from '../../lib/core/index.js';

function marked(): MethodDecorator & ClassDecorator {
  return () => undefined;
}

class Engine {}

@marked()
class Car {
  constructor(readonly engine: Engine) {}

  @marked()
  drive(_to: string, _fast: boolean): Promise<number> {
    return Promise.resolve(0);
  }
}

describe('the test set-up', () => {
  it('emits the types of decorated constructors and methods, which Nest injects by', () => {
    expect(Reflect.getMetadata('design:paramtypes', Car)).toEqual([Engine]);
    expect(Reflect.getMetadata('design:paramtypes', Car.prototype, 'drive')).toEqual([String, Boolean]);
    expect(Reflect.getMetadata('design:returntype', Car.prototype, 'drive')).toBe(Promise);
  });

  it('reads the package’s own subpaths from its sources', async () => {
    const core = await import('nestjs-groupcache/core');
    const { richCodec } = await import('nestjs-groupcache/codecs/rich');

    expect(core.ByteView).toBe(ByteView);
    expect(richCodec.decode(core.ByteView.from('["x"]'))).toBe('x');
  });

  it('runs where a collection can be forced', () => {
    expect(globalThis.gc).toBeTypeOf('function');
  });
});
