import 'reflect-metadata';
import { Exclude, Expose, Transform, Type } from 'class-transformer';
import { classCodec } from '../../lib/codecs/class-codec.js';
import { ByteView, Group, UnencodableValueError } from '../../lib/core/index.js';
import { describe, expect, it } from 'vitest';
import { roundTrip } from './round-trips.js';

class Place {
  lat = 0;
  lon = 0;

  isNorthern(): boolean {
    return this.lat > 0;
  }
}

class City {
  id!: number;
  name!: string;
  nickname?: string;

  @Type(() => Date)
  foundedAt!: Date;

  @Type(() => Place)
  place!: Place;

  @Type(() => Place)
  stations: Place[] = [];

  @Exclude()
  passwordHash = '';

  @Expose({ name: 'inhabitants' })
  population = 0;

  greet(): string {
    return `Hello from ${this.name}`;
  }

  get isLarge(): boolean {
    return this.population > 1_000_000;
  }
}

class Capital extends City {}

function city(changes: Partial<City> = {}): City {
  return Object.assign(new City(), {
    id: 1,
    name: 'Oslo',
    foundedAt: new Date(5),
    place: Object.assign(new Place(), { lat: 59.9, lon: 10.7 }),
    stations: [Object.assign(new Place(), { lat: 1 })],
    passwordHash: 'x',
    population: 700_000,
    ...changes,
  });
}

describe('classCodec', () => {
  it('brings back an instance with its methods, its Dates and its nested instances', () => {
    const back = roundTrip(classCodec(City), city());

    expect(back).toBeInstanceOf(City);
    expect(back).toEqual(city());
    expect(back.greet()).toBe('Hello from Oslo');
    expect(back.isLarge).toBe(false);
    expect(back.foundedAt).toEqual(new Date(5));
    expect(back.place).toBeInstanceOf(Place);
    expect(back.stations[0]?.isNorthern()).toBe(true);
  });

  it('keeps what @Exclude and @Expose hide or rename on output', () => {
    const back = roundTrip(classCodec(City), city({ passwordHash: 'secret', population: 5 }));

    expect(back.passwordHash).toBe('secret');
    expect(back.population).toBe(5);
  });

  it('brings back arrays of instances, by the class in an array', () => {
    const codec = classCodec([City]);

    const back = roundTrip(codec, [city(), city({ id: 2 })]);

    expect(back.map((one) => one.greet())).toEqual(['Hello from Oslo', 'Hello from Oslo']);
    expect(roundTrip(codec, [])).toEqual([]);
    expect(codec.name).toBe('class [City]');
  });

  it('brings back null, alone and in an array', () => {
    expect(roundTrip(classCodec<City>(City), null as unknown as City)).toBeNull();
    expect(roundTrip(classCodec([City]), null as unknown as City[])).toBeNull();
    expect(roundTrip(classCodec([City]), [null as unknown as City])).toEqual([null]);
  });

  it('heeds @Transform both ways', () => {
    class Account {
      @Transform(({ value }) => String(value), { toPlainOnly: true })
      @Transform(({ value }) => BigInt(value as string), { toClassOnly: true })
      balance = 0n;
    }

    const back = roundTrip(classCodec(Account), Object.assign(new Account(), { balance: 2n ** 80n }));

    expect(back.balance).toBe(2n ** 80n);
  });

  it('counts a property that is undefined as absent', () => {
    const back = roundTrip(classCodec(City), city({ nickname: undefined }));

    expect(back.nickname).toBeUndefined();
  });

  it('counts -0 as 0, as JSON does', () => {
    expect(roundTrip(classCodec(City), city({ population: -0 })).population).toBe(0);
  });

  it('hands a group instances that share nothing', async () => {
    const group = new Group<City>('cities', () => city(), { codec: classCodec(City) });

    const first = await group.get('1');
    const second = await group.get('1');

    expect(first?.greet()).toBe('Hello from Oslo');
    expect(second).toEqual(first);
    expect(second).not.toBe(first);
  });

  it.each<[string, unknown, string]>([
    ['a plain object that looks like one', Object.assign({}, city()), 'the result is not an instance of City'],
    ['another class', new Place(), 'the result is not an instance of City'],
    ['an array', [city()], 'the result is not an instance of City'],
    ['a subclass', new Capital(), 'the result is an instance of Capital, a subclass of City'],
  ])('refuses %s', (_what, value, message) => {
    const encode = (): unknown => classCodec(City).encode(value as City);

    expect(encode).toThrow(UnencodableValueError);
    expect(encode).toThrow(message);
  });

  it('refuses what is no array, and elements that are no instances, where arrays are told', () => {
    const codec = classCodec([City]);

    expect(() => codec.encode(city() as unknown as City[])).toThrow('the result is not an array of City');
    expect(() => codec.encode([city(), {} as City])).toThrow('the result[1] is not an instance of City');
  });

  it('refuses what would come back changed, naming the path', () => {
    class Untyped {
      at: unknown = undefined;
      places: unknown[] = [];
    }
    const codec = classCodec(Untyped);
    const holding = (changes: Partial<Untyped>): Untyped => Object.assign(new Untyped(), changes);

    expect(() => codec.encode(holding({ at: new Date(1) }))).toThrow('the result.at would come back changed');
    expect(() => codec.encode(holding({ at: new Map([['a', 1]]) }))).toThrow('the result.at would come back changed');
    expect(() => codec.encode(holding({ at: Number.NaN }))).toThrow('the result.at would come back changed');
    expect(() => codec.encode(holding({ at: () => 1 }))).toThrow('the result.at would come back changed');
    expect(() => codec.encode(holding({ places: [{}, new Place()] }))).toThrow('the result.places[1] would come back');
    expect(() => codec.encode(holding({ places: new Set([1]) as never }))).toThrow('the result.places would come back');
  });

  it('refuses a Date in the wrong place even if both sides hold one', () => {
    class Rounded {
      @Transform(({ value }) => new Date(Math.floor((value as Date).getTime() / 1000) * 1000), { toPlainOnly: true })
      @Type(() => Date)
      at!: Date;
    }

    const encode = (ms: number): unknown =>
      classCodec(Rounded).encode(Object.assign(new Rounded(), { at: new Date(ms) }));

    expect(encode(5000)).toBe('{"at":"1970-01-01T00:00:05.000Z"}');
    expect(() => encode(5001)).toThrow('the result.at would come back changed');
  });

  it('refuses an array that comes back with another length', () => {
    class Filtered {
      @Transform(({ value }) => (value as number[]).filter((one) => one > 0), { toPlainOnly: true })
      numbers: number[] = [];
    }

    expect(() => classCodec(Filtered).encode(Object.assign(new Filtered(), { numbers: [1, 0] }))).toThrow(
      'the result.numbers would come back changed',
    );
  });

  it('refuses a class whose constructor does not do without arguments, and values that JSON does not have', () => {
    class Strict {
      readonly name: string;
      constructor(from: { name: string }) {
        this.name = from.name;
      }
    }
    class Counter {
      count = 5n;
    }
    class Rude {
      @Transform(() => {
        throw 'no'; // oxlint-disable-line no-throw-literal, only-throw-error
      })
      name = '';
    }

    expect(() => classCodec(Strict as new () => Strict).encode(new Strict({ name: 'a' }))).toThrow(
      "the result can't make the round trip (TypeError",
    );
    expect(() => classCodec(Counter).encode(new Counter())).toThrow("the result can't make the round trip (TypeError");
    expect(() => classCodec(Rude).encode(new Rude())).toThrow("the result can't make the round trip (no)");
  });

  it('leaves prototypes alone, whatever was sent', () => {
    const back = classCodec(City).decode(ByteView.from('{"__proto__":{"polluted":1},"constructor":{"name":"x"}}'));

    expect(back).toBeInstanceOf(City);
    expect((back as unknown as { polluted?: unknown }).polluted).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
