import { HashRing } from '../../lib/core/hash-ring.js';
import { seededRandom } from '../consistency/random.js';
import { FaultNetwork } from '../support/fault-network.js';
import type { Fault } from '../support/faults.js';
import { settingsOf, type ClusterSettings } from './cluster-settings.js';
import { PeerProcess, type PeerOptions, type SourceBehaviour, type Usage } from './peer-process.js';
import { Record } from './record.js';

/** Peers in processes of their own behind a network with faults, and all that they report. Peers are known by number. */
export class Cluster {
  readonly settings: ClusterSettings;
  readonly record = new Record();
  readonly #network: FaultNetwork;
  readonly #peers = new Map<number, PeerProcess>();
  readonly #driving = new Set<number>();
  /** The peers that are meant to be there. */
  #members: number[] = [];
  #source: SourceBehaviour;
  #prefix = 'k';

  constructor(settings: Partial<ClusterSettings>) {
    this.settings = settingsOf(settings);
    this.#source = { kind: 'well', ms: this.settings.sourceMs };
    this.#network = new FaultNetwork(seededRandom(this.settings.seed));
  }

  get members(): readonly number[] {
    return this.#members;
  }

  urlOf(peer: number): string {
    return this.#network.urlOf(peer);
  }

  /** Who owns `key` where the members' own list is in force. */
  ownerOf(): (key: string) => number {
    const byUrl = new Map(this.#members.map((peer) => [this.urlOf(peer), peer]));
    const ring = new HashRing([...byUrl.keys()].toSorted());
    return (key) => byUrl.get(ring.ownerOf(key)!)!;
  }

  async start(): Promise<void> {
    const { peers } = this.settings;
    for (let count = 0; count < peers; count++) this.#members.push(await this.#network.add());
    await Promise.all(this.#members.map((peer) => this.startPeer(peer)));
    await this.tellAll();
  }

  /** Starts the process of a peer that has none, with other options if need be. It knows nobody yet. */
  async startPeer(peer: number, other: Partial<PeerOptions> = {}): Promise<void> {
    const { isControl, auth, pool, group, valueBytes, maxDescriptors } = this.settings;
    const options = {
      self: this.urlOf(peer),
      address: this.#network.addressOf(peer),
      isControl,
      pool: { auth, ...pool },
      group,
      valueBytes,
      maxDescriptors,
      ...other,
    };
    const process = await PeerProcess.start(options, (report) => this.record.add(peer, report));
    this.#peers.set(peer, process);
    await this.#network.up(peer, process.port);
    await process.call('source', this.#source);
  }

  /** One more URL; the number of its peer, which has no process yet and is no member. */
  async addUrl(): Promise<number> {
    return this.#network.add();
  }

  /** Has the members, and whoever else has a process, know who the members are from now on. */
  async tellAll(members: readonly number[] = this.#members): Promise<void> {
    this.#members = [...members];
    await Promise.all([...this.#peers.keys()].map((peer) => this.tell(peer, members)));
  }

  /** Gives one peer a list; itself is always in it. */
  async tell(peer: number, list: readonly number[]): Promise<void> {
    const urls = [...new Set([...list, peer])].map((number) => this.urlOf(number));
    await this.#peers.get(peer)!.call('list', urls);
  }

  /** Peer has gone at once: its process is killed, its port refuses. */
  async kill(peer: number): Promise<void> {
    const process = this.#take(peer);
    await Promise.all([process.kill(), this.#network.down(peer)]);
  }

  /** Peer says goodbye, if it can, and ends: milliseconds that this took. */
  async leave(peer: number, timeoutMs = 10_000): Promise<number> {
    const process = this.#peers.get(peer)!;
    await this.#rest(peer);
    const tookMs = await process.call('leave', timeoutMs);
    await process.call('flush');
    await this.kill(peer);
    return tookMs;
  }

  /** Starts the peer again at its URL, with the members' list, and has it ask for keys if it has before. */
  async restart(peer: number, other: Partial<PeerOptions> = {}): Promise<void> {
    await this.startPeer(peer, other);
    await this.tell(peer, this.#members);
    if (this.#driving.has(peer)) await this.#drive(peer);
  }

  async setFault(peer: number, fault: Fault | undefined): Promise<void> {
    await this.#network.setFault(peer, fault);
  }

  reset(peer: number): void {
    this.#network.reset(peer);
  }

  process(peer: number): PeerProcess {
    return this.#peers.get(peer)!;
  }

  async setSource(how: SourceBehaviour): Promise<void> {
    this.#source = how;
    await this.#all((process) => process.call('source', how));
  }

  /** Every key up to `keys` is asked for once, by the members in turn: how many errors there were. */
  async readAll(keys = this.settings.warmKeys): Promise<number> {
    const members = this.#members;
    const each = members.map((peer, index) =>
      this.#peers.get(peer)!.call('read', { from: index, upTo: keys, step: members.length }),
    );
    const errors = (await Promise.all(each)).flat();
    await this.flush();
    return errors.length;
  }

  /** As `readAll`, from a source that takes no time. */
  async warm(): Promise<void> {
    const source = this.#source;
    await this.setSource({ kind: 'well', ms: 0 });
    const errors = await this.readAll();
    if (errors > 0) throw new Error(`${errors} errors before anything was wrong`);
    await this.setSource(source);
  }

  /** Resolves once `peer` takes all of its keys, which is when a deployment goes on. */
  async ready(peer: number): Promise<void> {
    await this.#peers.get(peer)!.call('ready');
  }

  /** Has all members ask for keys, the settings' rate together. */
  async drive(prefix = 'k'): Promise<void> {
    this.#prefix = prefix;
    await Promise.all(this.#members.map((peer) => this.#drive(peer)));
  }

  /** Has nobody ask any more, and waits for what has been asked. */
  async rest(): Promise<void> {
    await Promise.all([...this.#driving].filter((peer) => this.#peers.has(peer)).map((peer) => this.#rest(peer)));
    await this.flush();
  }

  /** Has all be reported. */
  async flush(): Promise<void> {
    await this.#all((process) => process.call('flush'));
  }

  /** Milliseconds of CPU that all processes have taken, this one included. */
  async cpuMs(): Promise<number> {
    const { user, system } = process.cpuUsage();
    const each = await this.#all((one) => one.call('cpu'));
    return each.reduce((sum, ms) => sum + ms, (user + system) / 1_000);
  }

  /** After a forced collection. */
  usage(): Promise<Usage[]> {
    return this.#all((process) => process.call('usage'));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#peers.values()].map((process) => process.kill()));
    await this.#network.close();
  }

  async #drive(peer: number): Promise<void> {
    const { rate, peers, keys, exponent, seed } = this.settings;
    this.#driving.add(peer);
    const traffic = { rate: rate / peers, keys, exponent, prefix: this.#prefix, seed: seed * 100 + peer };
    await this.#peers.get(peer)!.call('drive', traffic);
  }

  async #rest(peer: number): Promise<void> {
    this.#driving.delete(peer);
    await this.#peers.get(peer)!.call('rest');
  }

  #take(peer: number): PeerProcess {
    const process = this.#peers.get(peer)!;
    this.#peers.delete(peer);
    return process;
  }

  #all<Result>(call: (process: PeerProcess) => Promise<Result>): Promise<Result[]> {
    return Promise.all([...this.#peers.values()].map(call));
  }
}
