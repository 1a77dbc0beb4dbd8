/**
 * What does and what does not compile with `@CachePut`, `@CacheEvict`, the option `tags` and the removal of a typed group.
 * Compiled, never run: a line after `@ts-expect-error` that compiles is an error too.
 */
import {
  Cached,
  CacheEvict,
  CachePut,
  defineGroup,
  type GroupService,
  type InvalidationResult,
  type SetResult,
} from 'nestjs-groupcache';

declare const groups: GroupService;
/** A body for methods that are never run. */
declare const result: never;

type Same<One, Other> = (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;
const holds = <_Claim extends true>(): void => undefined;

interface City {
  readonly id: number;
  readonly country: string;
}

interface Patch {
  readonly name?: string;
}

const Cities = defineGroup<[id: number], City>('cities');
const Quotes = defineGroup<[symbol: string, deep?: boolean], { readonly price: number }>('quotes');

/** A "tags" is a function of the result and the arguments. */
export class WithTags {
  @Cached(Cities, {
    tags: (city, id) => {
      holds<Same<typeof city, City>>();
      holds<Same<typeof id, number>>();
      return [city.country];
    },
  })
  async ofHandle(_id: number): Promise<City> {
    return result;
  }
  @Cached('cities', { tags: (city: City, id: number) => [city.country, String(id)] })
  async ofName(_id: number): Promise<City | undefined> {
    return result;
  }

  // @ts-expect-error: a text, not a list of them
  @Cached(Cities, { tags: (city) => city.country }) async text(_id: number): Promise<City> {
    return result;
  }
  // @ts-expect-error: not texts
  @Cached(Cities, { tags: (_city, id) => [id] }) async numbers(_id: number): Promise<City> {
    return result;
  }
  // @ts-expect-error: not a function
  @Cached(Cities, { tags: ['city'] }) async list(_id: number): Promise<City> {
    return result;
  }
  // @ts-expect-error: a function of another result
  @Cached('cities', { tags: (quote: { price: number }) => [String(quote.price)] }) async other(): Promise<City> {
    return result;
  }
  // @ts-expect-error: a function of other arguments
  @Cached('cities', { tags: (_city: City, id: string) => [id] }) async args(_id: number): Promise<City> {
    return result;
  }
}

/** Methods after which values are removed. */
export class Evicting {
  @CacheEvict(Cities) async own(_id: number): Promise<void> {
    return result;
  }
  @CacheEvict(Cities) async signal(_id: number, _signal?: AbortSignal): Promise<void> {
    return result;
  }
  @CacheEvict(Quotes) async fewer(_symbol: string): Promise<void> {
    return result;
  }
  @CacheEvict(Cities, { args: (city: City) => [city.id] })
  @CacheEvict(Cities, { args: (_city: unknown, id: number) => [id], require: 'all', timeout: '1s' })
  @CacheEvict(Cities, { argsList: (city: City) => [[city.id], [1]] })
  @CacheEvict(Cities, { tags: (city: City, _id: number, patch: Patch) => [city.country, patch.name ?? ''] })
  @CacheEvict(Cities, { tags: ['all of them'], after: '5s' })
  @CacheEvict(Cities, { all: true, when: (city: City) => city.id > 1 })
  @CacheEvict('cities', { args: (city: City) => [city.id, 'by name anything'] })
  @CacheEvict((self: Evicting) => self.name, { all: true })
  async several(_id: number, _patch: Patch): Promise<City> {
    return result;
  }
  readonly name = 'by instance';
  @CacheEvict(Cities, { all: true }) any(_text: string): any {
    return result;
  }

  // @ts-expect-error: not the arguments of the group
  @CacheEvict(Cities) async otherOwn(_id: string): Promise<void> {
    return result;
  }
  // @ts-expect-error: more than the arguments of the group
  @CacheEvict(Cities) async more(_id: number, _patch: Patch): Promise<void> {
    return result;
  }
  // @ts-expect-error: not the arguments of the group
  @CacheEvict(Cities, { args: () => ['Berlin'] }) async otherArgs(_id: number): Promise<void> {
    return result;
  }
  // @ts-expect-error: one list of arguments, not several
  @CacheEvict(Cities, { argsList: (city: City) => [city.id] }) async oneList(_id: number): Promise<City> {
    return result;
  }
  // @ts-expect-error: not the result of the method
  @CacheEvict(Cities, { args: (city: City) => [city.id] }) async otherResult(_id: number): Promise<string> {
    return result;
  }
  // @ts-expect-error: not the arguments of the method
  @CacheEvict(Cities, { args: (_city: City, id: number) => [id] }) async otherCall(_id: string): Promise<City> {
    return result;
  }
  // @ts-expect-error: what the parameter is has to be said
  @CacheEvict(Cities, { args: (city) => [city.id] }) async untold(_id: number): Promise<City> {
    return result;
  }
  // @ts-expect-error: a text, not a list of them
  @CacheEvict(Cities, { tags: (city: City) => city.country }) async tag(_id: number): Promise<City> {
    return result;
  }
  // @ts-expect-error: says two things
  @CacheEvict(Cities, { all: true, tags: ['DE'] }) async two(_id: number): Promise<City> {
    return result;
  }
  // @ts-expect-error: all or another one
  @CacheEvict(Cities, { all: false }) async notAll(_id: number): Promise<City> {
    return result;
  }
  // @ts-expect-error: a condition on another result
  @CacheEvict(Cities, { all: true, when: (text: string) => text !== '' }) async when(_id: number): Promise<City> {
    return result;
  }
  // @ts-expect-error: ends later than it does
  @CacheEvict(Cities) sync(_id: number): void {
    return result;
  }
}

/** Methods whose results are put. */
export class Putting {
  @CachePut(Cities) async own(_id: number): Promise<City> {
    return result;
  }
  @CachePut(Cities) async orNothing(_id: number): Promise<City | undefined> {
    return result;
  }
  @CachePut(Cities, { args: (city: City) => [city.id], when: (_city: City, patch: Patch) => patch.name !== '' })
  @CacheEvict(Quotes, { all: true })
  async ofResult(_patch: Patch): Promise<City> {
    return result;
  }
  @CachePut('cities') async byName(_id: number): Promise<City> {
    return result;
  }

  // @ts-expect-error: not the value of the group
  @CachePut(Cities) async otherValue(_id: number): Promise<string> {
    return result;
  }
  // @ts-expect-error: null is a value, and not this group's
  @CachePut(Cities) async orNull(_id: number): Promise<City | null> {
    return result;
  }
  // @ts-expect-error: not the arguments of the group
  @CachePut(Cities) async otherOwn(_id: number, _patch: Patch): Promise<City> {
    return result;
  }
  // @ts-expect-error: not the arguments of the group
  @CachePut(Cities, { args: (city: City) => [city.country] }) async otherArgs(_id: number): Promise<City> {
    return result;
  }
  // @ts-expect-error: a value is put once
  @CachePut(Cities, { after: '5s' }) async again(_id: number): Promise<City> {
    return result;
  }
}

/** Open types pass. */
export class Repository<Entity, Id extends string | number> {
  constructor(readonly name: string) {}

  @CacheEvict((self: Repository<unknown, string>) => self.name)
  async delete(_id: Id): Promise<void> {
    return result;
  }

  @CachePut((self: Repository<unknown, string>) => self.name, { args: (_entity: unknown, id: unknown) => [id] })
  async save(_id: Id, _entity: Entity): Promise<Entity> {
    return result;
  }
}

/** Typed groups are changed by the handle's arguments. */
export async function changeTypedGroups(): Promise<void> {
  const quotes = groups.of(Quotes);
  holds<Same<Awaited<ReturnType<typeof quotes.remove>>, InvalidationResult>>();
  holds<Same<Awaited<ReturnType<typeof quotes.set>>, SetResult>>();
  await quotes.remove('ACME');
  await quotes.remove('ACME', true);
  await quotes.set(['ACME', true], { price: 1 }, { timeout: '1s', require: 'all' });
  await quotes.removeMany([['ACME'], ['ACME', true]], { after: '2s' });
  await quotes.removeByTag('tech', { require: 'all' });
  await quotes.clear();
  const fresh = await quotes.refresh('ACME');
  holds<Same<typeof fresh, { readonly price: number } | undefined>>();
  await quotes.setByKey('ACME', { price: 1 });
  await quotes.removeManyByKey(['ACME', '["ACME",true]'], { timeout: 100 });
  await groups.remove('quotes', 'ACME', { require: 'all' });
  // @ts-expect-error: not a string
  await quotes.remove(7);
  // @ts-expect-error: options are no argument: removeMany takes them
  await quotes.remove('ACME', { require: 'all' });
  // @ts-expect-error: the arguments are one list
  await quotes.set('ACME', { price: 1 });
  // @ts-expect-error: not the value of the group
  await quotes.set(['ACME'], 1);
  // @ts-expect-error: not a list of arguments
  await quotes.removeMany(['ACME']);
  // @ts-expect-error: all or nothing
  await quotes.clear({ require: 'some' });
}
