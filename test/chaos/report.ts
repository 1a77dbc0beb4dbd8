import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { judge } from './bars.js';
import type { ChaosCase, Figure } from './chaos-case.js';
import { settingsOf } from './cluster-settings.js';

/** What a case has come to; `undefined` for a run that has failed or was not done. */
export interface Result {
  readonly name: string;
  readonly what: string;
  readonly ours: readonly Figure[] | undefined;
  readonly control: readonly Figure[] | undefined;
  readonly isShort: boolean;
}

const columns = ['case', 'figure', 'bar', 'ours', 'control', ''] as const;

/** The rows of one case; of figures without a bar only those that `isWhole` asks for. */
export function rowsOf({ name, ours, control }: Result, isWhole: boolean): string[][] {
  if (ours === undefined) return [[name, 'the run itself', '', 'failed', '', 'MISSED']];
  return judge(name, ours)
    .filter(({ bar }) => isWhole || bar !== undefined)
    .map(({ bar, passes, ...figure }) => {
      const theirs = control?.find((other) => other.name === figure.name);
      const verdict = passes === undefined ? '' : passes ? 'passed' : 'MISSED';
      const atMost = bar === undefined ? '' : `at most ${textOf({ ...figure, value: bar })}`;
      return [name, figure.name, atMost, textOf(figure), theirs === undefined ? '-' : textOf(theirs), verdict];
    });
}

/** Whether all its bars have been passed. */
export function isPassed({ name, ours }: Result): boolean {
  return ours !== undefined && judge(name, ours).every(({ passes }) => passes !== false);
}

export function printResult(result: Result): void {
  console.log(`\n${result.name}: ${result.what}${result.isShort ? ' (a short run)' : ''}`);
  console.table(
    rowsOf(result, true).map((row) =>
      Object.fromEntries(columns.map((column, index) => [column || 'pass', row[index]])),
    ),
  );
}

/** All that is known, with the results of earlier runs for cases that have not been run now. */
export function keepResults(results: readonly Result[], all: readonly ChaosCase[]): Result[] {
  const folder = new URL('../../.build/chaos/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  return all.flatMap(({ name }) => {
    const file = new URL(`${name}.json`, folder);
    const result = results.find((one) => one.name === name);
    if (result !== undefined) writeFileSync(file, JSON.stringify(result, writable, 1));
    return existsSync(file) ? [JSON.parse(readFileSync(file, 'utf8'), readable) as Result] : [];
  });
}

const BEGIN = '<!-- chaos -->';
const END = '<!-- /chaos -->';

/** Writes the tables of `results` into docs/reliability.md, in the place of those that stand there. */
export function writeDocs(results: readonly Result[]): void {
  const file = new URL('../../docs/reliability.md', import.meta.url);
  const text = readFileSync(file, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/reliability.md has no ${BEGIN} and ${END}`);
  const whole = results.filter(({ isShort }) => !isShort);
  if (whole.length === 0) return;
  const what = whole.map((result) => [`\`${result.name}\``, result.what, ...timesOf(result)]);
  const parts = [
    conditions(),
    markdown(
      columns,
      whole.flatMap((result) => rowsOf(result, false)),
    ),
    'What each case does, and the rest of what it has shown, ours / control; latencies are in ms, of peers that are not the victim:',
    markdown(['case', 'what happens', 'error rate', 'p50', 'p99', 'longest', 'loads', 'recovers in'], what),
  ];
  writeFileSync(file, `${text.slice(0, begin + BEGIN.length)}\n\n${parts.join('\n\n')}\n\n${text.slice(end)}`);
}

function timesOf({ ours, control }: Result): string[] {
  return ['error rate', 'p50', 'p99', 'longest', 'loads, of undisturbed', 'time to recover'].map((name) => {
    const [one, other] = [ours, control].map((figures) => figures?.find((figure) => figure.name === name));
    if (one === undefined) return '';
    return `${textOf(one)} / ${other === undefined ? '-' : textOf(other)}`;
  });
}

function conditions(): string {
  const { rate, peers, keys, exponent, warmKeys, sourceMs, valueBytes } = settingsOf({});
  return (
    `Node ${process.versions.node}, ${availableParallelism()} cores (${cpus()[0]?.model}), everything on loopback. ` +
    `Unless a case says otherwise: ${peers} peers, ${rate} gets/s over all of them in an open loop (Poisson; latencies ` +
    `from the intended start), ${keys.toLocaleString('en')} keys by Zipf ${exponent} of which ` +
    `${warmKeys.toLocaleString('en')} have been read before, values of ${valueBytes} B, loads of ${sourceMs} ms.`
  );
}

/** As a reader would write it. */
export function textOf({ value, unit }: Figure): string {
  if (Number.isNaN(value)) return 'not measured';
  if (value === Number.POSITIVE_INFINITY) return 'never';
  const digits = unit === '' ? 0 : unit === 'ms' ? (value < 10 ? 1 : 0) : 2;
  const number = value.toLocaleString('en', { maximumFractionDigits: digits });
  return unit === '' ? number : unit === 'x' || unit === '%' ? `${number}${unit}` : `${number} ${unit}`;
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  // As prettier has it.
  const table = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(3, ...table.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(table[0]!), line(widths.map((width) => '-'.repeat(width))), ...table.slice(1).map(line)].join('\n');
}

/** JSON has no endless numbers. */
function writable(_name: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? 'Infinity' : value;
}

function readable(name: string, value: unknown): unknown {
  return name === 'value' && value === 'Infinity' ? Number.POSITIVE_INFINITY : value;
}
