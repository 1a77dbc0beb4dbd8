import { demoReport } from './demo-report.js';
import { sendLoad, type CityRequest } from './load.js';
import { showLiveLine } from './live-line.js';
import { seededRandom, zipf } from './random.js';
import { runCluster } from './run-cluster.js';

const requestCount = 20_000;
const keys = 5_000;
const concurrency = 64;
/** Of the requests, once the first ones have had the peers connect to each other. */
const shareOfWrites = 0.03;
const readsBeforeWrites = 1_000;

/**
 * `npm run demo`: asks three cold peers for cities, much faster than people do, and changes some, and checks what the
 * database saw.
 */
await runCluster(async (cluster, signal) => {
  const random = seededRandom(1);
  const pick = zipf(await cluster.statements.largestCities(keys), random);
  const requests = Array.from({ length: requestCount }, (_, turn): CityRequest => ({
    city: pick(),
    isWrite: turn >= readsBeforeWrites && random() < shareOfWrites,
  }));
  console.log(
    `\n${requestCount} requests, ${shareOfWrites * 100} % of them changes, ${concurrency} at a time, by Zipf's law over ` +
      `${keys} cities, to 3 peers in turn`,
  );

  const done = new AbortController();
  const liveLine = showLiveLine(cluster, process.stdout, AbortSignal.any([signal, done.signal]));
  const load = await sendLoad({ urls: cluster.urls, requests, concurrency, signal });
  done.abort();
  await liveLine;

  const [reads, statements, stats] = await Promise.all([
    cluster.statements.readsByVersion('city-by-id'),
    cluster.statements.total(),
    cluster.stats(),
  ]);
  const { table, faults } = demoReport(load, reads, statements, stats);
  console.log(`\n${table}\n`);
  if (faults.length > 0) console.error(faults.join('\n'));
  else console.log('no request failed, each version of a city was read once, and none was seen after it was changed');
  return faults.length === 0 ? 0 : 1;
}, 1);
