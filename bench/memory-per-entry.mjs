// How much does the process grow by per cached entry, and is that what the group says that it uses?
//
//   npm run build:lib && node --expose-gc bench/memory-per-entry.mjs [entries]
import { bytesCodec, Group, jsonCodec, textCodec } from 'nestjs-groupcache/core';

const entries = Number(process.argv[2] ?? 1_000_000);
const collect = globalThis.gc ?? (() => console.error('run with --expose-gc') ?? process.exit(1));

const rows = [
  { name: 'text, 100 B', codec: textCodec, count: entries, value: () => 'x'.repeat(100) },
  { name: 'bytes, 100 B', codec: bytesCodec, count: entries, value: () => Buffer.alloc(100) },
  {
    name: 'JSON objects of 1 KB, decoded',
    codec: jsonCodec,
    count: entries / 10,
    value: (key) => objectOf(key),
    decode: true,
  },
];

// Kept, or the memory of one would be set off against that of the next.
const groups = [];
for (const { name, codec, count, value, decode = false } of rows) {
  const before = measure();
  const group = new Group(name, (key) => value(key), { codec, cacheBytes: '8GiB' });
  groups.push(group);
  for (let index = 0; index < count; index++) {
    const key = `key-${String(index).padStart(16, '0')}`;
    const loaded = group.getView(key);
    if (index % 256 === 0) await loaded;
    if (decode) await group.get(key);
  }
  await new Promise((resolve) => setImmediate(resolve));
  const after = measure();
  const { bytes, items } = group.cacheStats('main');
  if (items !== count) throw new Error(`${items} of ${count} entries were kept`);
  const grown = after - before;
  console.log(
    `${name}: process grew by ${(grown / count).toFixed(0)} B an entry; keys and values ${(bytes / count).toFixed(0)} B; ` +
      `footprint reported ${(group.footprint / count).toFixed(0)} B (growth / footprint = ${(grown / group.footprint).toFixed(2)})`,
  );
}

function measure() {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function objectOf(key) {
  const object = { key, tags: ['one', 'two', 'three'], active: true, rate: 12.5, parts: [] };
  while (JSON.stringify(object).length < 1000)
    object.parts.push({ id: object.parts.length, name: `part ${key}`, price: 99.25 });
  return object;
}
