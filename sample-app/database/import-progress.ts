import type { ImportProgress } from './import-cities.js';

const width = 30;

/** Draws a bar on a terminal; elsewhere (a log, a pipe) writes a plain line every quarter of the way. */
export function importProgress(output: NodeJS.WriteStream): ImportProgress {
  let quarters = 0;
  return (done, total) => {
    const share = done / total;
    const text = `importing cities: ${done.toLocaleString('en')} of ${total.toLocaleString('en')}`;

    if (output.isTTY) {
      const filled = Math.round(share * width);
      output.write(`\r[${'='.repeat(filled)}${' '.repeat(width - filled)}] ${text}${done === total ? '\n' : ''}`);
    } else if (Math.floor(share * 4) > quarters) {
      quarters = Math.floor(share * 4);
      output.write(`${text}\n`);
    }
  };
}
