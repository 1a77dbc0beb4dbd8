// Adds up vitest's JSON reports and fails unless every test of each has run and passed.
import { existsSync, readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;
let skipped = 0;
for (const file of process.argv.slice(2)) {
  if (!existsSync(file)) {
    console.error(`${file} is missing: its run ended before it could report`);
    failed++;
    continue;
  }
  const report = JSON.parse(readFileSync(file, 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped += report.numPendingTests + report.numTodoTests;
  // A file that can't be loaded has no tests to fail.
  failed += report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  ).length;
}
if (skipped > 0) console.error(`${skipped} tests were skipped: nothing may be missing here`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && skipped === 0 && passed > 0 ? 0 : 1;
