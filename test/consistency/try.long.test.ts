import { it } from 'vitest';
import { ClusterRun } from './run.js';
it('tries', async () => {
  const run = new ClusterRun({
    seed: Number(process.env['SEED'] ?? 1),
    operations: Number(process.env['OPS'] ?? 20000),
    peers: Number(process.env['PEERS'] ?? 4),
    mutant: process.env['MUTANT'],
    isRival: process.env['RIVAL'] !== undefined,
    ...JSON.parse(process.env['OPTIONS'] ?? '{}'),
  });
  try {
    await run.start();
    const { violations, ...rest } = await run.run();
    console.log(JSON.stringify({ ...rest, violations: violations.length }));
    for (const one of violations.slice(0, 30)) console.log(JSON.stringify(one));
    const { history } = run;
    for (const one of violations.slice(0, 2)) {
      if (one.kind !== 'stale') continue;
      const load = history.loads.find(({ value }) => value === one.get.value);
      console.log('LOAD', JSON.stringify(load));
      const from = one.bornBy - 3e8;
      const upTo = one.get.start + 2e8;
      const lines: { time: number; what: string }[] = [...run.trace];
      const tag = history.tagOf(one.get.key);
      for (const r of history.removals) {
        if (r.kind === 'all' || r.subject === one.get.key || r.subject === tag)
          lines.push({ time: r.start, what: `REMOVAL ${JSON.stringify(r)}` }, { time: r.end ?? 0, what: `   end of ${r.start} ${r.acknowledged.join(' ')}` });
      }
      for (const l of history.loads)
        if (l.key === one.get.key) lines.push({ time: l.start, what: `load ${l.value} at ${l.peer}` }, { time: l.end ?? 0, what: `   loaded ${l.value}` });
      let lastGet = '';
      for (const g of history.gets) {
        if (g.key !== one.get.key) continue;
        lines.push({ time: g.start, what: `get at ${g.peer}: ${g.value} hit ${(g as any).hit} owner ${(g as any).owner} ${(((g as any).end-g.start)/1e6).toFixed(1)}` });
      }
      for (const { time, what } of lines.toSorted((a, b) => a.time - b.time)) {
        if (time < from || time > upTo) continue;
        if (lastGet === '?') continue;
        console.log(((time - one.bornBy) / 1e6).toFixed(2), what);
      }
    }
  } finally {
    await run.close();
  }
});
