/** 32-bit words that a key's counters are within: 64 bytes, a cache line. */
const BLOCK_WORDS = 16;

const PENDING_LENGTH = 64;

const BLOCK_BYTES = BLOCK_WORDS * Int32Array.BYTES_PER_ELEMENT;

/** Entries for which a block is large enough: 16 counters an entry. */
const ENTRIES_PER_BLOCK = 8;

/** How many increments an entry, on average, until all counters have been halved once. */
const AGING_PERIOD = 6;

/** What a counter ends at: it stands for any number from there on. */
export const MAX_COUNT = 15;

/**
 * About how often each of many keys has been asked for lately, in 8 to 16 bytes an entry of the cache that asks: a
 * count-min sketch of 4-bit counters that age, as in TinyLFU (Einziger, Friedman, Manes).
 *
 * It is told hashes, which should be well mixed and not to be foreseen by those who choose the keys. An estimate is at
 * least the number of increments since the key's counters were last halved, up to 15.
 */
export class CountMinSketch {
  #table = new Int32Array(0);
  #blockMask = 0;
  /** Increments that have not been counted yet: together they cost less than one by one. */
  readonly #pending = new Int32Array(PENDING_LENGTH);
  #pendingCount = 0;
  /** Increments times blocks, until one block is to be halved. */
  #agingThreshold = 0;
  #agingProgress = 0;
  #agingBlock = 0;

  /** Bytes of memory; 0 until there is an entry. */
  get footprint(): number {
    return this.#table.byteLength;
  }

  /** What `footprint` will be at least once there is room for `entries`. */
  footprintFor(entries: number): number {
    let { footprint } = this;
    for (footprint ||= BLOCK_BYTES; footprint * ENTRIES_PER_BLOCK < entries * BLOCK_BYTES; footprint *= 2);
    return footprint;
  }

  /**
   * Makes room for `entries`, and ages by their number from now on.
   *
   * The table doubles at need, so that a large cache with little in it has a small one. Estimates are kept.
   */
  fit(entries: number): void {
    const footprint = this.footprintFor(entries);
    while (this.footprint < footprint) this.#double();
    this.#agingThreshold = AGING_PERIOD * Math.max(entries, ENTRIES_PER_BLOCK);
  }

  /** Counts one request. */
  increment(hash: number): void {
    this.#pending[this.#pendingCount++] = hash;
    if (this.#pendingCount === PENDING_LENGTH) this.#count();
  }

  /** 0 to 15, where 15 stands for any number from there on. */
  estimate(hash: number): number {
    this.#count();
    const table = this.#table;
    if (table.length === 0) return 0;
    const mixed = mix(hash);
    const block = (hash & this.#blockMask) * BLOCK_WORDS;
    let least = MAX_COUNT;
    for (let row = 0; row < 4; row++) {
      const place = mixed >>> (row * 8);
      const count = (table[block + row * 4 + (place & 3)]! >>> (place & 0x1c)) & MAX_COUNT;
      if (count < least) least = count;
    }
    return least;
  }

  /** Forgets everything, and gives the memory back. */
  clear(): void {
    this.#table = new Int32Array(0);
    this.#blockMask = 0;
    this.#pendingCount = 0;
    this.#agingProgress = 0;
    this.#agingBlock = 0;
  }

  #count(): void {
    const table = this.#table;
    const length = this.#pendingCount;
    this.#pendingCount = 0;
    if (table.length === 0) return;
    for (let index = 0; index < length; index++) {
      const hash = this.#pending[index]!;
      const mixed = mix(hash);
      const block = (hash & this.#blockMask) * BLOCK_WORDS;
      const added =
        addOne(table, block, mixed) |
        addOne(table, block + 4, mixed >>> 8) |
        addOne(table, block + 8, mixed >>> 16) |
        addOne(table, block + 12, mixed >>> 24);
      if (added === 0) continue;
      this.#agingProgress += this.#blockMask + 1;
      if (this.#agingProgress >= this.#agingThreshold) this.#age();
    }
  }

  #double(): void {
    const { length } = this.#table;
    const table = new Int32Array(Math.max(BLOCK_WORDS, length * 2));
    // A key's block has one more bit now; what it was counted in before stands at either place.
    table.set(this.#table, 0);
    table.set(this.#table, length);
    this.#table = table;
    this.#blockMask = table.length / BLOCK_WORDS - 1;
  }

  /** Halves the counters of one block after another, so that no request has to wait for all of them. */
  #age(): void {
    const table = this.#table;
    while (this.#agingProgress >= this.#agingThreshold) {
      this.#agingProgress -= this.#agingThreshold;
      const start = this.#agingBlock * BLOCK_WORDS;
      for (let word = start; word < start + BLOCK_WORDS; word++) table[word] = (table[word]! >>> 1) & 0x77777777;
      this.#agingBlock = (this.#agingBlock + 1) & this.#blockMask;
    }
  }
}

/** Other bits than those that choose the block: a byte for each of the four rows. */
function mix(hash: number): number {
  const product = Math.imul(hash, 0x9e3779b1);
  return product ^ (product >>> 15);
}

/** Adds to the counter of a row that the low five bits of `place` choose; 0 if it has reached its end. */
function addOne(table: Int32Array, row: number, place: number): number {
  const word = row + (place & 3);
  const shift = place & 0x1c;
  const counters = table[word]!;
  if (((counters >>> shift) & MAX_COUNT) === MAX_COUNT) return 0;
  table[word] = counters + (1 << shift);
  return 1;
}
