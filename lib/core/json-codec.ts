import type { Codec } from './codec.js';
import { UnencodableValueError } from './errors.js';
import { firstJsonObstacle } from './json-obstacle.js';

/**
 * A codec for plain data: what JSON brings back as it was.
 *
 * Refuses what JSON would silently change (Date, Map, Set, NaN, a class with methods, `undefined` in an array, ...),
 * naming the path. A property that is `undefined` is left out, which reads the same; an instance of a class without
 * methods comes back as a plain object; -0 becomes 0. Private fields (`#name`) of such an instance can't be seen and are lost.
 */
export const jsonCodec: Codec<any> = {
  name: 'json',
  freezable: true,
  decodedFactor: 2.25,
  encode(value: unknown) {
    const obstacle = firstJsonObstacle(value, 'the result');
    if (obstacle !== undefined) {
      throw new UnencodableValueError(
        'json',
        obstacle.path,
        `${obstacle.reason}. Return plain data, or give the group a codec that knows it, such as richCodec ` +
          `(nestjs-groupcache/codecs/rich) or classCodec(Type) (nestjs-groupcache/codecs/class)`,
      );
    }
    return JSON.stringify(value);
  },
  decode: (view) => JSON.parse(view.toString()) as unknown,
};
