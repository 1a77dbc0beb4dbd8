import { it } from 'vitest';
import { runCluster } from './run.js';
it('tries', async () => {
  const report = await runCluster({
    seed: Number(process.env['SEED'] ?? 1),
    operations: Number(process.env['OPS'] ?? 20000),
    peers: Number(process.env['PEERS'] ?? 4),
    mutant: process.env['MUTANT'],
    isRival: process.env['RIVAL'] !== undefined,
    ...JSON.parse(process.env['OPTIONS'] ?? '{}'),
  });
  const { violations, ...rest } = report;
  console.log(JSON.stringify({ ...rest, violations: violations.length }, null, 1));
  for (const one of violations.slice(0, 3)) console.log(JSON.stringify(one));
});
