// Interleaved rounds and their medians: what disturbs the machine for a while disturbs all alike.

export function median(numbers) {
  const sorted = numbers.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Runs each of `subjects` (name to function) once a round, and gives for each name the medians of all figures that it
 * returned, and under `spread` the least and the greatest of each. A round before the first warms up.
 */
export async function rounds(subjects, count) {
  const results = new Map(Object.keys(subjects).map((name) => [name, []]));
  for (let round = 0; round <= count; round++) {
    // Each has every place in turn: who comes after whom should not matter.
    const names = Object.keys(subjects);
    for (const name of [...names.slice(round % names.length), ...names.slice(0, round % names.length)]) {
      const result = await subjects[name]();
      if (round > 0) results.get(name).push(result);
    }
  }
  return Object.fromEntries([...results].map(([name, all]) => [name, summary(all)]));
}

function summary(all) {
  const figures = Object.keys(all[0]);
  const of = (figure) => all.map((result) => result[figure]);
  return {
    ...Object.fromEntries(figures.map((figure) => [figure, median(of(figure))])),
    spread: Object.fromEntries(figures.map((figure) => [figure, [Math.min(...of(figure)), Math.max(...of(figure))]])),
  };
}
