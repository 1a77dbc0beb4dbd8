import { describe, expect, it } from 'vitest';
import { bars, judge } from './bars.js';
import { runCase, type Figure } from './chaos-case.js';
import { cases } from './cases/index.js';
import { textOf } from './report.js';

/*
 * Short runs of the cases that matter most, without their control; the bars that only a quiet machine can reach are left
 * to `npm run chaos`.
 */

const chosen = new Set([
  'killed',
  'stopped',
  'black-hole',
  'reset',
  'lists-differ',
  'source-hangs',
  'rolling',
  'scale',
  'hostile',
  'soak',
]);

describe('4 peers under traffic', () => {
  it.each(cases.filter(({ name }) => chosen.has(name)))('reach the bars of "$name"', async (one) => {
    const figures = await runCase(one, { isShort: true });
    console.log(`${one.name}: ${figures.map(inWords).join('; ')}`);

    const missed = judge(one.name, figures, 'ci').filter(({ passes }) => passes === false);

    expect(missed).toEqual([]);
  });
});

describe('the suite', () => {
  it('judges only cases that there are', () => {
    expect(Object.keys(bars).filter((name) => !cases.some((one) => one.name === name))).toEqual([]);
  });
});

function inWords(figure: Figure): string {
  return `${figure.name} ${textOf(figure)}`;
}
