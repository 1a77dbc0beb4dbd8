// What the benchmarks use of the library: its public names, as it is built.
import { promoteAlways, promoteByRate, promoteNever, promoteOneIn } from 'nestjs-groupcache';

export { bytesCodec, Cached, GroupcacheModule, GroupService, HttpPool, jsonCodec, textCodec } from 'nestjs-groupcache';

/** Promotion policies by a name that can be told to another process. */
export const promotion = {
  never: promoteNever,
  always: promoteAlways,
  oneInTen: promoteOneIn(10),
  byRate: promoteByRate(),
};
