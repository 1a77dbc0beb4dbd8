import { setTimeout as sleep } from 'node:timers/promises';
import type { AtlasCluster } from './atlas-cluster.js';

/**
 * Shows once a second what the cluster has done, until the signal: on a terminal a line that stays in its place,
 * elsewhere a new one each time.
 */
export async function showLiveLine(
  cluster: AtlasCluster,
  output: NodeJS.WriteStream,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (;;) {
      await sleep(1_000, undefined, { signal });
      const line = await liveLine(cluster);
      // The task may have ended meanwhile, and written its own last words.
      if (signal.aborted) return;
      output.write(output.isTTY ? `\r\u001b[2K${line}` : `${line}\n`);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    if (output.isTTY) output.write('\n');
  }
}

async function liveLine(cluster: AtlasCluster): Promise<string> {
  const [stats, statements] = await Promise.all([cluster.stats(), cluster.statements.total()]);
  return [
    `requests ${stats.requests}`,
    `hits main ${stats.mainHits} hot ${stats.hotHits}`,
    `peer loads ${stats.peerLoads}`,
    ...(stats.peerErrors > 0 ? [`peer errors ${stats.peerErrors}`] : []),
    `database queries ${statements}`,
  ].join(' | ');
}
