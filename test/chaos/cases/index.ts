import type { ChaosCase } from '../chaos-case.js';
import { blackHole, delayed, garbage, halfOpen, oversize, refused, reset } from './network.js';
import { blocked, clock, descriptors, oneKilled, stopped, twoKilled, wrongSecret } from './processes.js';
import { listsDiffer, scale } from './lists.js';
import { hostile } from './hostile.js';
import { soak } from './soak.js';
import { rolling, rollingSmall } from './rolling.js';
import { sourceFails, sourceHangs, sourceSlow } from './source.js';
import { undisturbed } from './undisturbed.js';

/** All cases, in the order of the table. */
export const cases: readonly ChaosCase[] = [
  undisturbed,
  oneKilled,
  twoKilled,
  stopped,
  blocked,
  descriptors,
  clock,
  wrongSecret,
  refused,
  blackHole,
  delayed,
  reset,
  halfOpen,
  garbage,
  oversize,
  sourceHangs,
  sourceFails,
  sourceSlow,
  rolling,
  rollingSmall,
  scale,
  listsDiffer,
  hostile,
  soak,
];
