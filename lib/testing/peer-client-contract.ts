import assert from 'node:assert/strict';
import { ByteView } from '../core/byte-view.js';
import type { GroupRegistry } from '../core/group-registry.js';
import type { PeerClient, PeerReply, PeerRequest } from '../core/peer-picker.js';
import { textCodec } from '../core/text-codec.js';

/** A transport under test: one peer that serves, and a client that asks it. */
export interface PeerClientHarness {
  readonly client: PeerClient;
  /** The groups of the peer that serves. */
  readonly groups: GroupRegistry;
  /** Makes the serving peer unreachable. */
  stopServing(): Promise<void>;
  /** Ends everything that the harness has started. */
  close(): Promise<void>;
}

/** One demand of a contract, for any test runner: `it(name, run)`. */
export interface ContractCase {
  readonly name: string;
  run(): Promise<void>;
}

const oddKeys = [
  '',
  ' ',
  '+',
  '%',
  '%41',
  '/',
  '//',
  '.',
  '..',
  '../x',
  'a b',
  'a+b',
  'a?b#c',
  'ä€😀',
  '\u0000',
  'k'.repeat(2048),
];

/**
 * What every `PeerClient` must do. Run it against a transport of your own:
 *
 * ```ts
 * for (const { name, run } of peerClientContract(startMyTransport)) it(name, run);
 * ```
 */
export function peerClientContract(start: () => Promise<PeerClientHarness>): ContractCase[] {
  const contractCase = (name: string, check: (harness: PeerClientHarness) => Promise<void>): ContractCase => ({
    name,
    async run() {
      const harness = await start();
      try {
        await check(harness);
      } finally {
        await harness.close();
      }
    },
  });

  return [
    contractCase('brings every key to the getter as it is, and the value back', async ({ client, groups }) => {
      groups.define('echo', (key) => `<${key}>`, { codec: textCodec });
      for (const key of oddKeys) {
        const reply = await client.get(question({ group: 'echo', key }));
        assert.ok(reply.outcome === 'value', `key ${JSON.stringify(key)}: ${reply.outcome}`);
        assert.equal(reply.value.toString(), `<${key}>`);
      }
    }),

    contractCase('brings empty and large values', async ({ client, groups }) => {
      groups.define('sized', (key) => 'x'.repeat(Number(key)), { codec: textCodec });
      for (const size of [0, 1, 127, 128, 16_384, 1_000_000]) {
        const reply = await client.get(question({ group: 'sized', key: String(size) }));
        assert.ok(reply.outcome === 'value');
        assert.ok(reply.value.equals(ByteView.from('x'.repeat(size))), `${size} bytes`);
      }
    }),

    contractCase('tells "not found" from a failure', async ({ client, groups }) => {
      groups.define('absent', () => undefined);
      assert.equal((await client.get(question({ group: 'absent' }))).outcome, 'notFound');
    }),

    contractCase(
      'brings how long an answer lives, and says nothing where the peer does not',
      async ({ client, groups }) => {
        groups.define('brief', keyUnlessAbsent, { codec: textCodec, ttl: '1m', negativeTtl: '1m' });
        groups.define('lasting', keyUnlessAbsent, { codec: textCodec, forever: true });
        for (const key of ['key', 'absent']) {
          const ttlMs = ttlOf(await client.get(question({ group: 'brief', key })));
          assert.ok(ttlMs !== undefined && ttlMs > 0 && ttlMs <= 60_000, `${key}: ${ttlMs}`);
          assert.equal(ttlOf(await client.get(question({ group: 'lasting', key }))), undefined);
        }
      },
    ),

    contractCase("hands a getter's failure over as an answer", async ({ client, groups }) => {
      groups.define('broken', () => Promise.reject(new TypeError('no such table')));
      const reply = await client.get(question({ group: 'broken' }));
      assert.ok(reply.outcome === 'failed');
      assert.match(reply.error.message, /no such table/);
    }),

    contractCase('rejects when the peer does not know the group', async ({ client }) => {
      await assert.rejects(client.get(question({ group: 'unknown' })));
    }),

    contractCase('rejects when the peer can not be reached', async ({ client, groups, stopServing }) => {
      groups.define('echo', (key) => key, { codec: textCodec });
      await stopServing();
      await assert.rejects(client.get(question({ group: 'echo' })));
    }),

    contractCase('settles soon after its signal aborts', async ({ client, groups }) => {
      let begun!: () => void;
      const beginning = new Promise<void>((resolve) => (begun = resolve));
      groups.define('slow', () => {
        begun();
        return new Promise<string>(() => undefined);
      });
      const asker = new AbortController();
      const asking = client.get(question({ group: 'slow', signal: asker.signal }));
      await beginning;
      asker.abort(new Error('gone'));
      await assert.rejects(asking);
    }),

    contractCase('settles within its timeoutMs', async ({ client, groups }) => {
      groups.define('slow', () => new Promise<string>(() => undefined));
      await assert.rejects(client.get(question({ group: 'slow', timeoutMs: 50 })));
    }),

    contractCase('answers questions in any order', async ({ client, groups }) => {
      let release!: (value: string) => void;
      const held = new Promise<string>((resolve) => (release = resolve));
      groups.define('mixed', (key) => (key === 'slow' ? held : key), { codec: textCodec });
      const slow = client.get(question({ group: 'mixed', key: 'slow' }));
      const fast = await client.get(question({ group: 'mixed', key: 'fast' }));
      assert.ok(fast.outcome === 'value' && fast.value.equals('fast'));
      release('late');
      const late = await slow;
      assert.ok(late.outcome === 'value' && late.value.equals('late'));
    }),

    contractCase('tells by `ask`, if it has one, what it answers by `get`, and once', async ({ client, groups }) => {
      if (client.ask === undefined) return;
      groups.define('echo', (key) => (key === 'absent' ? undefined : `<${key}>`), { codec: textCodec });
      groups.define('broken', () => Promise.reject(new TypeError('no such table')));
      for (const [group, key] of [
        ['echo', 'key'],
        ['echo', 'absent'],
        ['broken', 'key'],
        ['unknown', 'key'],
      ] as const) {
        const [got, asked] = await Promise.all([
          outcomeOf(client.get(question({ group, key }))),
          outcomeOf(askOnce(client, question({ group, key }))),
        ]);
        assert.equal(asked, got);
      }
      const asker = new AbortController();
      const asking = askOnce(client, question({ group: 'echo', signal: asker.signal }));
      asker.abort(new Error('gone'));
      await assert.rejects(asking);
    }),
  ];
}

/** Rejects as well if more than one thing is told. */
async function askOnce(client: PeerClient, request: PeerRequest): Promise<PeerReply> {
  let told = 0;
  const reply = await new Promise<PeerReply>((resolve, reject) => {
    client.ask!(request, {
      answered: (answer) => (told++, resolve(answer)),
      failed: (error) => (told++, reject(error)),
    });
  });
  // What comes too much comes with the same turn or the next.
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(told, 1);
  return reply;
}

/** In words, for comparison. */
async function outcomeOf(asking: Promise<PeerReply>): Promise<string> {
  try {
    const reply = await asking;
    if (reply.outcome === 'value') return `value ${reply.value.toString()}`;
    return reply.outcome === 'failed' ? `failed: ${reply.error.message}` : reply.outcome;
  } catch (error) {
    return `rejected: ${String(error)}`;
  }
}

function keyUnlessAbsent(key: string): string | undefined {
  return key === 'absent' ? undefined : key;
}

function ttlOf(reply: PeerReply): number | undefined {
  return reply.outcome === 'failed' ? undefined : reply.ttlMs;
}

function question(request: Partial<PeerRequest> & { group: string }): PeerRequest {
  return { key: 'key', timeoutMs: 10_000, signal: new AbortController().signal, ...request };
}
