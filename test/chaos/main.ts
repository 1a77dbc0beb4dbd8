import { parseArgs } from 'node:util';
import { runCase, type ChaosCase, type Figure } from './chaos-case.js';
import { cases } from './cases/index.js';
import { isPassed, keepResults, printResult, writeDocs, type Result } from './report.js';

/*
 * Runs the cases, each on our peers and on ones that do as Go does, prints what they have come to, and writes it into
 * docs/reliability.md.
 *
 *   npm run chaos                      all of them: about half an hour
 *   npm run chaos -- killed rolling    only these
 *   npm run chaos -- killed --short    for a moment; nothing is written
 *   npm run chaos -- killed --alone    without the control
 *   npm run chaos -- --list            what there is
 */
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: 'boolean', default: false },
    alone: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
  },
});
const unknown = positionals.filter((name) => !cases.some((one) => one.name === name));
if (unknown.length > 0) {
  throw new Error(`There is no ${unknown.join(', ')}; there are ${cases.map(({ name }) => name).join(', ')}`);
}

async function figures(one: ChaosCase, isControl: boolean): Promise<readonly Figure[] | undefined> {
  try {
    return await runCase(one, { isControl, isShort: flags.short, seed: Number(flags.seed) });
  } catch (error) {
    console.error(`${one.name}${isControl ? ' (control)' : ''}:`, error);
    return undefined;
  }
}

async function runAll(chosen: readonly ChaosCase[]): Promise<void> {
  const results: Result[] = [];
  for (const one of chosen) {
    const ours = await figures(one, false);
    const control = flags.alone || one.hasNoControl === true ? undefined : await figures(one, true);
    const result = { name: one.name, what: one.what, ours, control, isShort: flags.short };
    printResult(result);
    results.push(result);
  }
  const kept = keepResults(results, cases);
  if (!flags.short) writeDocs(kept);
  const missed = results.filter((result) => !isPassed(result)).map(({ name }) => name);
  console.log(missed.length === 0 ? '\nall bars passed' : `\nMISSED in ${missed.join(', ')}`);
  if (missed.length > 0) process.exitCode = 1;
}

if (flags.list) for (const { name, what } of cases) console.log(`${name.padEnd(16)} ${what}`);
else await runAll(positionals.length > 0 ? cases.filter(({ name }) => positionals.includes(name)) : cases);
