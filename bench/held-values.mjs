// In what should a group hold small values that have come as bytes?
//
// 100,000 values out of messages of 8 KiB, held by a Map under keys of 20 characters: how long it takes to make each and to
// write it out again, and by how much the process grows. Decision 0009 has the outcome. The limit is what is asked for:
// the bytes, and nothing beside them.
import { ask } from './harness/question.mjs';
import { rounds as runRounds } from './harness/rounds.mjs';
import { startWorker, obey } from './harness/worker.mjs';

const SLAB_BYTES = 1024 * 1024;
const collect = () => {
  for (let round = 0; round < 3; round++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

const writeBuffer = (held, target) => held.copy(target, 0);

/** How a value is made of `message` from `start` to `end`, and written to `target`. */
function holders() {
  let slab = Buffer.alloc(0);
  let used = 0;
  return {
    characters: {
      make: (message, start, end) => message.toString('latin1', start, end),
      write: (held, target) => target.write(held, 0, 'latin1'),
    },
    'a Buffer of its own': {
      make(message, start, end) {
        const held = Buffer.allocUnsafeSlow(end - start);
        message.copy(held, 0, start, end);
        return held;
      },
      write: writeBuffer,
    },
    'a pooled Buffer': { make: (message, start, end) => Buffer.from(message.subarray(start, end)), write: writeBuffer },
    'a part of a slab': {
      make(message, start, end) {
        if (used + end - start > slab.length) [slab, used] = [Buffer.allocUnsafeSlow(SLAB_BYTES), 0];
        const held = slab.subarray(used, used + end - start);
        message.copy(held, 0, start, end);
        used += end - start;
        return held;
      },
      write: writeBuffer,
    },
    'a view into the message': { make: (message, start, end) => message.subarray(start, end), write: writeBuffer },
  };
}

async function serve(name) {
  const { make, write } = holders()[name];
  const target = Buffer.alloc(8 * 1024);
  await obey({
    measure(bytes, count) {
      const perMessage = Math.max(1, Math.floor((8 * 1024) / bytes));
      const held = new Map();
      const before = collect();
      const startMs = performance.now();
      let message;
      for (let number = 0; number < count; number++) {
        const place = number % perMessage;
        if (place === 0) message = Buffer.allocUnsafeSlow(Math.max(bytes, 8 * 1024)).fill(200);
        held.set(`key-${String(number).padStart(16, '0')}`, make(message, place * bytes, (place + 1) * bytes));
      }
      const makeNs = ((performance.now() - startMs) * 1e6) / count;
      message = undefined;
      const growth = (collect() - before) / count;
      const writtenMs = performance.now();
      for (const value of held.values()) write(value, target);
      const writeNs = ((performance.now() - writtenMs) * 1e6) / count;
      if (target[bytes - 1] !== 200) throw new Error(`${name} wrote something else`);
      return { makeNs, writeNs, besideBytes: growth - bytes };
    },
  });
}

if (process.argv[2] === 'serve') await serve(process.argv[3]);
else {
  await ask(
    import.meta,
    'In what should a group hold small values that have come as bytes?',
    async ({ rounds, isShort }) => {
      const count = isShort ? 2_000 : 100_000;
      const tables = [];
      for (const bytes of [50, 100, 500, 1_000, 4_096]) {
        const runs = {};
        for (const name of Object.keys(holders())) {
          const worker = await startWorker('held-values.mjs', ['serve', name], { nodeFlags: ['--expose-gc'] });
          runs[name] = () => worker.call('measure', bytes, count);
        }
        const found = await runRounds(runs, rounds);
        tables.push({
          title: `values of ${bytes.toLocaleString('en')} bytes`,
          columns: ['held as', 'to make, ns', 'to write, ns', 'bytes beside the value'],
          rows: Object.entries(found).map(([name, { makeNs, writeNs, besideBytes }]) => [
            name,
            Math.round(makeNs),
            Math.round(writeNs),
            Math.round(besideBytes),
          ]),
        });
      }
      return { tables };
    },
  );
}
