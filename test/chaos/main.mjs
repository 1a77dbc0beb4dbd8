// Runs `main.ts` as it stands: see there.
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

await runnerImport(fileURLToPath(new URL('main.ts', import.meta.url)), { configFile: false, logLevel: 'error' });
// Whatever a case has left open.
process.exit();
