// Asks all questions, one after the other, and makes a page of the answers: .build/bench/index.html.
//
//   npm run bench                       everything, half an hour or so
//   npm run bench -- remote-get cluster only these
//   npm run bench -- --seconds 1        each for a moment, to see that it works
//   npm run bench -- --docs             the figures of docs/performance.md as well
//   npm run bench -- --page --docs      of what has been measured last, measuring nothing
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pageOf, writeDocs } from './harness/page.mjs';

const questions = [
  'remote-get',
  'memory-hit',
  'lifetimes',
  'tags',
  'cluster',
  'stampede',
  'slow-keys',
  'many-links',
  'scaling',
  'memory-per-entry',
  'hit-ratio',
  'held-values',
];

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    docs: { type: 'boolean', default: false },
    page: { type: 'boolean', default: false },
  },
});
const unknown = positionals.filter((name) => !questions.includes(name));
if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')}; there are ${questions.join(', ')}`);
const chosen = positionals.length > 0 ? positionals : questions;

for (const name of flags.page ? [] : chosen) {
  const file = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
  const passed = ['seconds', 'rounds'].flatMap((flag) => (flags[flag] === undefined ? [] : [`--${flag}`, flags[flag]]));
  const [code] = await once(spawn(process.execPath, [file, ...passed], { stdio: 'inherit' }), 'exit');
  if (code !== 0) {
    console.error(`${name} failed`);
    process.exit(1);
  }
}

const folder = new URL('../.build/bench/', import.meta.url);
const found = questions.map((name) => new URL(`${name}.json`, folder)).filter((file) => existsSync(file));
const results = found.map((file) => JSON.parse(readFileSync(file, 'utf8')));
writeFileSync(new URL('index.html', folder), pageOf(results));
console.log(`\n${fileURLToPath(new URL('index.html', folder))}`);
if (flags.docs) {
  const short = results.filter(({ conditions }) => conditions.isShort).map(({ name }) => name);
  if (short.length > 0) throw new Error(`Not for the docs, since not measured in full: ${short.join(', ')}`);
  writeDocs(results, new URL('../docs/', import.meta.url));
}
