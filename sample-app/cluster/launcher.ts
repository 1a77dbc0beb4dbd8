import { once } from 'node:events';
import { sendGentleTraffic } from './gentle-traffic.js';
import { showLiveLine } from './live-line.js';
import { runCluster } from './run-cluster.js';

/** `npm start`: three peers to play with, until Ctrl-C. */
await runCluster(async (cluster, signal, options) => {
  const [first, second, third] = cluster.urls;
  console.log(`
try:
  curl '${first}/cities/2950159'
  curl '${second}/nearest?lat=52.52&lon=13.4&count=3'
  curl '${third}/countries/DE/map.svg' -o germany.svg
  curl -X PATCH '${third}/cities/2950159' -H 'content-type: application/json' -d '{"name":"Spree-Athen"}'

documentation: ${first}/docs
Ctrl-C ends everything
`);

  const cities = await cluster.statements.largestCities(200);
  await Promise.all([
    signal.aborted ? undefined : once(signal, 'abort'),
    showLiveLine(cluster, process.stdout, signal),
    options.isQuiet
      ? undefined
      : sendGentleTraffic(
          cluster.urls,
          cities.map(({ id }) => id),
          signal,
        ),
  ]);
  return 0;
}, 0);
