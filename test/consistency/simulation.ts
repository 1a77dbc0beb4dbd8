import { promoteAlways, textCodec, type Group, type LifetimeSettings } from 'nestjs-groupcache/core';
import { InMemoryNetwork, ManualClock, type InMemoryPeer } from 'nestjs-groupcache/testing';
import { frameTypes } from '../../lib/peers/link/frames.js';
import { reactions } from '../core/deferred.js';
import type { GetRecord, History, LoadRecord, RemovalRecord } from './history.js';

/** What happens next; numbers stand for one of what there is. */
export type Step =
  | { readonly does: 'get' | 'remove' | 'removeByTag' | 'set'; readonly peer: number; readonly key: number }
  | { readonly does: 'clear' | 'restart' | 'cut' | 'mend'; readonly peer: number }
  | { readonly does: 'deliver' | 'load' | 'failToLoad' | 'findNothing'; readonly which: number }
  | { readonly does: 'lose'; readonly count: number }
  | { readonly does: 'list'; readonly peer: number; readonly without: number }
  | { readonly does: 'wait'; readonly ms: number };

type Writable<Type> = { -readonly [Name in keyof Type]: Type[Name] };

const urls = ['one', 'two', 'three'];
const keys = ['k0', 'k1'];

interface Member {
  /** Which process. */
  readonly name: string;
  readonly peer: InMemoryPeer;
  readonly group: Group<string>;
}

/**
 * A cluster in one process, in which nothing happens but by its steps: no message arrives, no load ends and no time passes
 * otherwise. The same steps come to the same history.
 */
export class Simulation {
  readonly #lifetimes: LifetimeSettings<string>;
  readonly #clock = new ManualClock();
  readonly #network: InMemoryNetwork;
  readonly #members = new Map<string, Member>();
  readonly #loads: Writable<LoadRecord>[] = [];
  readonly #gets: Writable<GetRecord>[] = [];
  readonly #removals: Writable<RemovalRecord>[] = [];
  readonly #running: { load(): void; fail(): void; findNothing(): void }[] = [];
  readonly #messages: (() => void)[] = [];
  #time = 0;
  #started = 0;
  #toLose = 0;

  /** `lifetimes` are those of the values. */
  constructor(lifetimes: LifetimeSettings<string> = { forever: true }) {
    this.#lifetimes = lifetimes;
    this.#network = new InMemoryNetwork({
      schedule: (deliver) => void this.#messages.push(deliver),
      isLost: (type) => type === frameTypes.invalidations && this.#toLose > 0 && this.#toLose-- > 0,
    });
    for (const url of urls) this.#start(url);
  }

  get history(): History {
    return { loads: this.#loads, gets: this.#gets, removals: this.#removals, tagOf: () => 't' };
  }

  async perform(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      this.#perform(step);
      await reactions();
    }
  }

  /** Until nothing happens any more, all knowing the same peers. Resolves to what each has applied. */
  async settle(): Promise<readonly Readonly<Record<string, number>>[]> {
    this.#toLose = 0;
    for (const url of urls) {
      this.#network.setList(url, urls);
      this.#network.mend(url);
    }
    for (let round = 0; round < 8; round++) {
      while (this.#messages.length + this.#running.length > 0) {
        this.#messages.shift()?.();
        this.#running.shift()?.load();
        await reactions();
      }
      this.#clock.advance(250);
      await reactions();
    }
    return [...this.#members.values()].map(({ peer }) =>
      Object.fromEntries([...peer.picker.invalidations!.vector].toSorted(([one], [other]) => (one < other ? -1 : 1))),
    );
  }

  #perform(step: Step): void {
    switch (step.does) {
      case 'deliver':
        return take(this.#messages, step.which)?.();
      case 'load':
        return take(this.#running, step.which)?.load();
      case 'failToLoad':
        return take(this.#running, step.which)?.fail();
      case 'findNothing':
        return take(this.#running, step.which)?.findNothing();
      case 'lose':
        this.#toLose = step.count;
        return;
      case 'wait':
        return this.#clock.advance(step.ms);
      case 'restart':
        return this.#start(urls[step.peer]!);
      case 'cut':
        return this.#network.cut(urls[step.peer]!);
      case 'mend':
        return this.#network.mend(urls[step.peer]!);
      case 'list':
        return this.#network.setList(
          urls[step.peer]!,
          urls.filter((_, index) => index === step.peer || index !== step.without),
        );
      case 'get':
        return this.#get(this.#members.get(urls[step.peer]!)!, keys[step.key]!);
      default:
        return this.#remove(this.#members.get(urls[step.peer]!)!, step);
    }
  }

  #start(url: string): void {
    const name = `${url} ${++this.#started}`;
    const peer = this.#network.addPeer(url, { clock: this.#clock });
    const group = peer.groups.define<string>('prices', (key) => this.#load(name, key), {
      codec: textCodec,
      promote: promoteAlways,
      tags: () => ['t'],
      ...this.#lifetimes,
    });
    this.#members.set(url, { name, peer, group });
  }

  #load(peer: string, key: string): Promise<string | undefined> {
    const load: Writable<LoadRecord> = { value: `load ${this.#loads.length}`, key, peer, start: ++this.#time };
    this.#loads.push(load);
    return new Promise((resolve, reject) => {
      const end = (): number => (load.end = ++this.#time);
      this.#running.push({
        load: () => (end(), resolve(load.value)),
        fail: () => (end(), reject(new Error('the source is down'))),
        findNothing: () => (end(), (load.isNothing = true), resolve(undefined)),
      });
    });
  }

  #get({ name, group }: Member, key: string): void {
    const get: Writable<GetRecord> = { key, peer: name, start: ++this.#time };
    this.#gets.push(get);
    group.get(key).then(
      (value) => {
        get.value = value ?? null;
        get.end = ++this.#time;
      },
      () => undefined,
    );
  }

  #remove({ name, group }: Member, step: Step): void {
    const start = ++this.#time;
    const before = new Map([...this.#members].map(([url, member]) => [url, member.name]));
    const ended = (removal: Writable<RemovalRecord>, acknowledged: readonly string[]): void => {
      removal.end = ++this.#time;
      // Whoever has been there all the while.
      removal.acknowledged = [...acknowledged, name].filter(
        (url) => url === name || this.#members.get(url)?.name === before.get(url),
      );
      removal.acknowledged = removal.acknowledged.map((url) => before.get(url) ?? url);
    };
    const begun = (kind: RemovalRecord['kind'], subject: string, value?: string): Writable<RemovalRecord> => {
      const removal: Writable<RemovalRecord> = { kind, subject, start, acknowledged: [], value };
      this.#removals.push(removal);
      return removal;
    };
    if (step.does === 'remove') {
      const removal = begun('key', keys[step.key]!);
      void group.remove(removal.subject).then(({ acknowledged }) => ended(removal, acknowledged));
    } else if (step.does === 'removeByTag') {
      const removal = begun('tag', 't');
      void group.removeByTag('t').then(({ acknowledged }) => ended(removal, acknowledged));
    } else if (step.does === 'clear') {
      const removal = begun('all', '');
      void group.clear().then(({ acknowledged }) => ended(removal, acknowledged));
    } else if (step.does === 'set') {
      const removal = begun('set', keys[step.key]!, `set ${this.#removals.length}`);
      void group.set(removal.subject, removal.value!).then(({ acknowledged, stored }) => {
        removal.isStored = stored;
        ended(removal, acknowledged);
      });
    }
  }
}

function take<Item>(items: Item[], which: number): Item | undefined {
  return items.length === 0 ? undefined : items.splice(which % items.length, 1)[0];
}
