/**
 * What does and what does not compile with `@Cached`, `GroupService.of` and `defineGroup`. Compiled, never run: a line
 * after `@ts-expect-error` that compiles is an error too.
 */
import {
  Cached,
  defineGroup,
  GroupcacheModule,
  type CachedProblem,
  type GroupService,
  type JsonProblem,
  type KeyCodec,
} from 'nestjs-groupcache';
import { richCodec } from 'nestjs-groupcache/codecs/rich';

declare const groups: GroupService;
/** A body for methods that are never run. */
declare const result: never;

type Same<One, Other> = (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;
const holds = <_Claim extends true>(): void => undefined;

interface Quote {
  readonly symbol: string;
  readonly price: number | null;
  readonly tags?: readonly string[];
}

class QuoteDto {
  symbol!: string;
  price?: number;
}

interface Tree {
  readonly name: string;
  readonly children: readonly Tree[];
}

class Money {
  constructor(readonly cents: number) {}
  plus(other: Money): Money {
    return new Money(this.cents + other.cents);
  }
}

enum Side {
  Buy = 'buy',
  Sell = 'sell',
}

type Branded = string & { readonly __brand: 'id' };

/** Results that make the trip. */
export class GoodResults {
  @Cached('text') async text(_id: string): Promise<string> {
    return result;
  }
  @Cached('number') async number(_id: string): Promise<number> {
    return result;
  }
  @Cached('null') async nothing(_id: string): Promise<null> {
    return result;
  }
  @Cached('missing') async missing(_id: string): Promise<Quote | undefined> {
    return result;
  }
  @Cached('interface') async interface(_id: string): Promise<Quote> {
    return result;
  }
  @Cached('dto') async dto(_id: string): Promise<QuoteDto[]> {
    return result;
  }
  @Cached('tree') async tree(_id: string): Promise<Tree> {
    return result;
  }
  @Cached('union') async union(_id: string): Promise<Quote | Tree | string | null> {
    return result;
  }
  @Cached('tuple') async tuple(_id: string): Promise<readonly [Quote, Side, Branded]> {
    return result;
  }
  @Cached('record') async record(_id: string): Promise<Record<string, Quote>> {
    return result;
  }
  @Cached('promise') promise(_id: string): Promise<Quote> {
    return result;
  }
  @Cached('any') async any(_id: string): Promise<any> {
    return result;
  }
  @Cached('unknown') async unknown(_id: string): Promise<unknown> {
    return result;
  }
  @Cached('plain any') plainAny(_id: string): any {
    return result;
  }
}

/** Results that don't. */
export class BadResults {
  // @ts-expect-error: a Date comes back as a string
  @Cached('date') async date(_id: string): Promise<Date> {
    return result;
  }
  // @ts-expect-error: a Map comes back as {}
  @Cached('map') async map(_id: string): Promise<Map<string, string>> {
    return result;
  }
  // @ts-expect-error: a Set comes back as {}
  @Cached('set') async set(_id: string): Promise<ReadonlySet<string>> {
    return result;
  }
  // @ts-expect-error: JSON has no bigint
  @Cached('bigint') async bigint(_id: string): Promise<bigint> {
    return result;
  }
  // @ts-expect-error: JSON has no symbol
  @Cached('symbol') async symbol(_id: string): Promise<symbol> {
    return result;
  }
  // @ts-expect-error: JSON has no function
  @Cached('function') async function(_id: string): Promise<() => void> {
    return result;
  }
  // @ts-expect-error: JSON has no bytes
  @Cached('buffer') async buffer(_id: string): Promise<Buffer> {
    return result;
  }
  // @ts-expect-error: a RegExp comes back as {}
  @Cached('regexp') async regexp(_id: string): Promise<RegExp> {
    return result;
  }
  // @ts-expect-error: a class with methods loses them
  @Cached('class') async class(_id: string): Promise<Money> {
    return result;
  }
  // @ts-expect-error: in an array
  @Cached('array') async array(_id: string): Promise<Date[]> {
    return result;
  }
  // @ts-expect-error: in a tuple
  @Cached('tuple') async tuple(_id: string): Promise<[string, Date]> {
    return result;
  }
  // @ts-expect-error: in an optional property
  @Cached('optional') async optional(_id: string): Promise<{ at?: Date }> {
    return result;
  }
  // @ts-expect-error: in one member of a union
  @Cached('union') async union(_id: string): Promise<Quote | Date | null> {
    return result;
  }
  // @ts-expect-error: in a record
  @Cached('record') async record(_id: string): Promise<Record<string, Date>> {
    return result;
  }
  // @ts-expect-error: some levels down
  @Cached('deep') async deep(_id: string): Promise<{ a: { b: { c: Date }[] } | null }> {
    return result;
  }
  // @ts-expect-error: nothing can be fetched from another process at once
  @Cached('sync') sync(_id: string): string {
    return result;
  }
}

/** Parameters that make the trip. */
export class GoodParameters {
  @Cached('none') async none(): Promise<string> {
    return result;
  }
  @Cached('several') async several(_a: string, _b: number, _c: boolean, _d: null): Promise<string> {
    return result;
  }
  @Cached('optional') async optional(_id: string, _deep?: boolean): Promise<string> {
    return result;
  }
  @Cached('default') async default(_id: string, _deep = false): Promise<string> {
    return result;
  }
  @Cached('rest') async rest(..._ids: string[]): Promise<string> {
    return result;
  }
  @Cached('interface') async interface(_quote: Quote): Promise<string> {
    return result;
  }
  @Cached('dto') async dto(_query: QuoteDto): Promise<string> {
    return result;
  }
  @Cached('tree') async tree(_tree: Tree): Promise<string> {
    return result;
  }
  @Cached('unknown') async unknown(_id: unknown, _any: any): Promise<string> {
    return result;
  }
  @Cached('signal') async signal(_id: string, _signal: AbortSignal): Promise<string> {
    return result;
  }
  @Cached('only signal') async onlySignal(_signal?: AbortSignal): Promise<string> {
    return result;
  }
  @Cached('both') async both(_id: string, _deep?: boolean, _signal?: AbortSignal): Promise<string> {
    return result;
  }
}

/** Parameters that don't. */
export class BadParameters {
  // @ts-expect-error: a Date would arrive as a string
  @Cached('date') async date(_at: Date): Promise<string> {
    return result;
  }
  // @ts-expect-error: a Map would arrive as {}
  @Cached('map') async map(_map: Map<string, string>): Promise<string> {
    return result;
  }
  // @ts-expect-error: JSON has no bigint
  @Cached('bigint') async bigint(_id: bigint): Promise<string> {
    return result;
  }
  // @ts-expect-error: JSON has no function
  @Cached('function') async function(_map: (quote: Quote) => string): Promise<string> {
    return result;
  }
  // @ts-expect-error: a class with methods loses them
  @Cached('class') async class(_money: Money): Promise<string> {
    return result;
  }
  // @ts-expect-error: not the first parameter
  @Cached('second') async second(_id: string, _at: Date): Promise<string> {
    return result;
  }
  // @ts-expect-error: an optional parameter
  @Cached('optional') async optional(_id: string, _at?: Date): Promise<string> {
    return result;
  }
  // @ts-expect-error: a parameter with a default
  @Cached('default') async default(_id: string, _at = new Date()): Promise<string> {
    return result;
  }
  // @ts-expect-error: a rest parameter
  @Cached('rest') async rest(..._at: Date[]): Promise<string> {
    return result;
  }
  // @ts-expect-error: a rest parameter after others
  @Cached('rest') async laterRest(_id: string, ..._at: Date[]): Promise<string> {
    return result;
  }
  // @ts-expect-error: nested, optional, in an array
  @Cached('deep') async deep(_query: { spans?: { from: Date }[] }): Promise<string> {
    return result;
  }
  // @ts-expect-error: before the signal
  @Cached('signal') async signal(_at: Date, _signal: AbortSignal): Promise<string> {
    return result;
  }
  // @ts-expect-error: a signal stands last or is no signal
  @Cached('early signal') async earlySignal(_signal: AbortSignal, _id: string): Promise<string> {
    return result;
  }
}

const dateKey: KeyCodec<[at: Date]> = {
  encode: (at) => at.toISOString(),
  decode: (key) => [new Date(key)],
};
const Days = defineGroup<[at: Date], string>('days');
const Births = defineGroup<[name: string], Date>('births');

/** A codec, or a key codec, knows better, for its side alone. */
export class WithCodecs {
  @Cached('codec', { codec: richCodec }) async codec(_id: string): Promise<Map<string, Date>> {
    return result;
  }
  @Cached(Births, { codec: richCodec }) async typedCodec(_name: string): Promise<Date> {
    return result;
  }
  @Cached('key', { key: dateKey }) async key(_at: Date): Promise<string> {
    return result;
  }
  @Cached(Days, { key: dateKey, cacheBytes: '1MiB' }) async typedKey(_at: Date): Promise<string> {
    return result;
  }
  @Cached('both', { key: dateKey, codec: richCodec }) async both(_at: Date): Promise<Date> {
    return result;
  }

  // @ts-expect-error: the codec is for results
  @Cached('codec', { codec: richCodec }) async codecOnly(_at: Date): Promise<string> {
    return result;
  }
  // @ts-expect-error: the key codec is for arguments
  @Cached('key', { key: dateKey }) async keyOnly(_at: Date): Promise<Date> {
    return result;
  }
  // @ts-expect-error: a key codec of other arguments than the group's
  @Cached(Births, { key: dateKey, codec: richCodec }) async foreignKey(_name: string): Promise<Date> {
    return result;
  }
  // @ts-expect-error: not a size
  @Cached('size', { cacheBytes: '64 megs' }) async size(_id: string): Promise<string> {
    return result;
  }
}

const Quotes = defineGroup<[symbol: string, deep?: boolean], Quote>('quotes');

/** A handle and its method agree. */
export class WithHandles {
  @Cached(Quotes) async same(_symbol: string, _deep?: boolean): Promise<Quote> {
    return result;
  }
  @Cached(Quotes) async orNothing(_symbol: string, _deep?: boolean): Promise<Quote | undefined> {
    return result;
  }
  @Cached(Quotes) async signal(_symbol: string, _deep?: boolean, _s?: AbortSignal): Promise<Quote> {
    return result;
  }
  @Cached(Quotes) async wider(_symbol: string | number, _deep?: boolean): Promise<Quote> {
    return result;
  }

  // @ts-expect-error: does not take the arguments
  @Cached(Quotes) async otherArgs(_symbol: number): Promise<Quote> {
    return result;
  }
  // @ts-expect-error: takes fewer of them
  @Cached(Quotes) async fewer(_symbol: string): Promise<Quote> {
    return result;
  }
  // @ts-expect-error: asks for more of them
  @Cached(Quotes) async more(_symbol: string, _deep: boolean | undefined, _n: number): Promise<Quote> {
    return result;
  }
  // @ts-expect-error: does not return the value
  @Cached(Quotes) async otherValue(_symbol: string, _deep?: boolean): Promise<string> {
    return result;
  }
  // @ts-expect-error: null is a value, and not this group's
  @Cached(Quotes) async orNull(_symbol: string, _deep?: boolean): Promise<Quote | null> {
    return result;
  }
  // @ts-expect-error: an argument beyond the group's that can't make the trip
  @Cached(Quotes) async beyond(_symbol: string, _deep?: boolean, _at?: Date): Promise<Quote> {
    return result;
  }
}

/** Open types pass, and are looked at when they run. */
export class Repository<Entity, Id extends string | number> {
  constructor(readonly name: string) {}

  @Cached((self: Repository<unknown, string>) => `${self.name}.find`)
  async find(_id: Id): Promise<Entity | undefined> {
    return result;
  }

  @Cached((self: Repository<unknown, string>) => defineGroup(`${self.name}.page`))
  async page(_from: number): Promise<{ items: Entity[]; total: number }> {
    return result;
  }

  @Cached('generic method')
  async pick<Name extends keyof Entity>(_name: Name & string): Promise<Entity[Name] | null> {
    return result;
  }

  // @ts-expect-error: not open
  @Cached((self: Repository<unknown, string>) => self.name) async age(_id: Id): Promise<Date> {
    return result;
  }
}

const Prices = defineGroup<[symbol: string, depth: number], Quote>('prices');

/** A "ttl" may be a function of the result and the arguments. */
export class WithTtl {
  @Cached('fixed', { ttl: '5m', staleWhileRevalidate: '10s', staleIfError: '1h', softTimeout: 250, refreshAhead: 0.8 })
  async fixed(_id: string): Promise<Quote> {
    return result;
  }
  @Cached('forever', { forever: true }) async forever(_id: string): Promise<Quote> {
    return result;
  }
  @Cached(Prices, {
    ttl: (quote, symbol, depth) => {
      holds<Same<typeof quote, Quote>>();
      holds<Same<typeof symbol, string>>();
      holds<Same<typeof depth, number>>();
      return quote.price === null ? 0 : '5s';
    },
  })
  async ofHandle(_symbol: string, _depth: number): Promise<Quote> {
    return result;
  }
  @Cached('of name', { ttl: (quote: Quote, symbol: string) => (symbol === '' ? 1_000 : (quote.price ?? 0)) })
  async ofName(_symbol: string, _depth: number, _signal: AbortSignal): Promise<Quote | undefined> {
    return result;
  }

  // @ts-expect-error: not a duration
  @Cached('soon', { ttl: 'soon' }) async soon(_id: string): Promise<Quote> {
    return result;
  }
  // @ts-expect-error: a function of another result
  @Cached('other', { ttl: (tree: Tree) => tree.children.length }) async other(_id: string): Promise<Quote> {
    return result;
  }
  // @ts-expect-error: a function of other arguments
  @Cached('args', { ttl: (_quote: Quote, id: number) => id }) async args(_id: string): Promise<Quote> {
    return result;
  }
  // @ts-expect-error: a function to what is no duration
  @Cached(Prices, { ttl: () => 'soon' }) async says(_symbol: string, _depth: number): Promise<Quote> {
    return result;
  }
  // @ts-expect-error: what is decided for each value is the ttl alone
  @Cached('swr', { staleWhileRevalidate: () => '5s' }) async swr(_id: string): Promise<Quote> {
    return result;
  }
  // @ts-expect-error: forever is true or false
  @Cached('ever', { forever: '1d' }) async ever(_id: string): Promise<Quote> {
    return result;
  }
}

/** Typed groups are asked by the handle's arguments. */
export async function askTypedGroups(): Promise<void> {
  const quotes = groups.of(Quotes);
  const quote = await quotes.get('ACME', true, AbortSignal.timeout(1));
  holds<Same<typeof quote, Quote | undefined>>();
  await quotes.get('ACME');
  await quotes.getMany([['ACME'], ['ACME', true]]);
  quotes.keyOf('ACME');
  holds<Same<ReturnType<typeof quotes.peek>, Quote | undefined>>();
  // @ts-expect-error: not a string
  await quotes.get(7);
  // @ts-expect-error: too many
  await quotes.get('ACME', true, 7);
  // @ts-expect-error: too few
  await quotes.get();
  // @ts-expect-error: not a list of arguments
  await quotes.getMany(['ACME']);
  // @ts-expect-error: not a string
  quotes.peek(7);

  const untyped = groups.of('quotes');
  await untyped.get('anything', 7);
  const text = await groups.get<string>('texts', 'key');
  holds<Same<typeof text, string | undefined>>();

  groups.define(Quotes, {}, ([symbol, _deep], context) => ({ symbol: symbol + context.group, price: 1 }));
  groups.define('texts', {}, async ([key]) => `${key.length}`);
  // @ts-expect-error: not the value of the group
  groups.define(Quotes, {}, ([symbol]) => symbol);
  // @ts-expect-error: the arguments are one list
  groups.define(Quotes, {}, (symbol: string) => ({ symbol, price: 1 }));
}

/** Handles of different groups are not mixed up. */
export function mixHandles(): void {
  // @ts-expect-error: other arguments and another value
  const wrong: typeof Quotes = Births;
  void wrong;
}

const texts = () => () => 'not a quote';

const spread = () => (symbol: string) => ({ symbol, price: 1 });

/** Features know the types of their groups. */
export function defineFeatures(): void {
  GroupcacheModule.forFeature([
    {
      group: Quotes,
      useFactory:
        () =>
        ([symbol, _deep], _context) => ({ symbol, price: 1 }),
    },
    { group: Births, options: { codec: richCodec }, useFactory: async () => async () => new Date() },
    {
      group: 'texts',
      useFactory:
        (prefix: string) =>
        ([key]) =>
          prefix + key.length,
    },
  ]);
  // @ts-expect-error: not the value of the group
  GroupcacheModule.forFeature([{ group: Quotes, useFactory: texts }]);
  // @ts-expect-error: the arguments are one list
  GroupcacheModule.forFeature([{ group: Quotes, useFactory: spread }]);
}

/** The sentences themselves. */
export function readProblems(): void {
  holds<Same<JsonProblem<Date, 'it'>, 'it is a Date, which JSON makes a string'>>();
  holds<Same<JsonProblem<{ a: { b?: bigint }[] }, 'it'>, 'it.a[].b is a bigint, which JSON does not have'>>();
  holds<Same<JsonProblem<Tree, 'it'>, never>>();
  holds<
    Same<
      CachedProblem<(at: string) => Promise<Date>, any, any, object>,
      'the result is a Date, which JSON makes a string; give @Cached a "codec" that knows it'
    >
  >();
}
