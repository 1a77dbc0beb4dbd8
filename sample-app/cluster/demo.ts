import { demoReport } from './demo-report.js';
import { sendLoad } from './load.js';
import { showLiveLine } from './live-line.js';
import { seededRandom, zipf } from './random.js';
import { runCluster } from './run-cluster.js';

const requests = 20_000;
const keys = 5_000;
const concurrency = 64;

/** `npm run demo`: asks three cold peers for cities, much faster than people do, and checks what the database saw. */
await runCluster(async (cluster, signal) => {
  const pick = zipf(await cluster.statements.largestCities(keys), seededRandom(1));
  const cityIds = Array.from({ length: requests }, pick);
  console.log(
    `\n${requests} requests, ${concurrency} at a time, by Zipf's law over ${keys} cities, to 3 peers in turn`,
  );

  const done = new AbortController();
  const liveLine = showLiveLine(cluster, process.stdout, AbortSignal.any([signal, done.signal]));
  const load = await sendLoad({ urls: cluster.urls, cityIds, concurrency, signal });
  done.abort();
  await liveLine;

  const [reads, statements, stats] = await Promise.all([
    cluster.statements.readsByKey('city-by-id'),
    cluster.statements.total(),
    cluster.stats(),
  ]);
  const { table, faults } = demoReport(cityIds, load, reads, statements, stats);
  console.log(`\n${table}\n`);
  if (faults.length === 0) console.log('no request failed, and the database was asked once for each key');
  else console.error(faults.join('\n'));
  return faults.length === 0 ? 0 : 1;
}, 1);
