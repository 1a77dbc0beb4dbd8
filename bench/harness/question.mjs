// A benchmark is one question: run by itself it prints its tables and bars, and leaves them in .build/bench for the page.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { stopWorkers } from './worker.mjs';

const results = new URL('../../.build/bench/', import.meta.url);

/**
 * Runs a question and reports.
 *
 * `run({ ms, rounds, isShort })` gives `tables`, each with `title`, `columns`, `rows` of texts and numbers and perhaps a
 * `chart` (`{ column, unit, lowerIsBetter }`), and `bars`, each with `what`, `must` (such as `>= 8`) and `is`. `ms` is how
 * long a run should take, `rounds` how many are measured; `--seconds n` is for all runs of a subject together, so that
 * `--seconds 1` shows that the benchmark works and measures nothing.
 */
export async function ask(meta, question, run) {
  const { values: flags } = parseArgs({
    options: { seconds: { type: 'string', default: '0' }, rounds: { type: 'string', default: '5' } },
  });
  const isShort = Number(flags.seconds) > 0;
  const rounds = isShort ? 1 : Number(flags.rounds);
  const ms = isShort ? (Number(flags.seconds) * 1_000) / 20 : 700;
  const name = basename(fileURLToPath(meta.url), '.mjs');
  console.log(`\n# ${question}`);
  try {
    const { tables, bars = [], notes = [] } = await run({ ms, rounds, isShort });
    const conditions = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, ms, rounds, isShort };
    for (const table of tables) print(table);
    for (const note of notes) console.log(note);
    for (const bar of bars)
      console.log(`${meets(bar) ? 'reached' : 'MISSED '}  ${bar.what}: ${bar.is}, must be ${bar.must}`);
    mkdirSync(results, { recursive: true });
    const result = {
      name,
      question,
      conditions,
      tables,
      bars: bars.map(({ what, must, is }) => ({ what, must, is, isMet: meets({ must, is }) })),
      notes,
    };
    writeFileSync(new URL(`${name}.json`, results), JSON.stringify(result, undefined, 2));
  } finally {
    await stopWorkers();
  }
}

/** `one` of `other`, to two digits after the point. */
export function ratio(one, other) {
  return Number((one / other).toFixed(2));
}

/** Says that a rival is left out; a machine that measures for everybody must have it. */
export function leaveOut(what, toInstall) {
  const text = `${what} is left out: it needs ${toInstall}`;
  if (process.env.CI !== undefined) throw new Error(text);
  console.warn(text);
}

function meets({ is, must }) {
  const [, sign, bound] = /^(>=|<=) ([\d.]+)$/.exec(must);
  return sign === '>=' ? is >= Number(bound) : is <= Number(bound);
}

function print({ title, columns, rows }) {
  console.log(`\n${title}`);
  console.table(rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]]))));
}
