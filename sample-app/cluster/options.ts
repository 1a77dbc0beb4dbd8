import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** What the launcher and the demo are told. */
export interface ClusterOptions {
  /** The first peer's port: the peers take the first free ones from here on; 0 means any. */
  readonly port: number;
  /** Where the embedded database lives. */
  readonly dataFolder: string;
  /** A PostgreSQL to use instead of the embedded one. */
  readonly databaseUrl: string | undefined;
  /** No traffic of the launcher's own. */
  readonly isQuiet: boolean;
}

export const usage = `options:
  --port N    the first peer's port (3000), 0 for any free ones
  --data DIR  where the embedded database lives (ATLAS_DATA, or .data)
  --quiet     no traffic of its own
  --help
environment:
  DATABASE_URL  a PostgreSQL to use instead of the embedded one
  ATLAS_LOG     "info" to see what the peers log`;

/** Beside package.json, wherever this is called from. */
const defaultDataFolder = fileURLToPath(new URL('../../../.data', import.meta.url));

/** Reads the command line; undefined when it asks for help. Throws on what it does not know. */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): ClusterOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string', default: '3000' },
      data: { type: 'string', default: env['ATLAS_DATA'] || defaultDataFolder },
      quiet: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;

  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65_535) throw new Error(`--port must be 0 to 65535, not "${values.port}"`);
  if (values.data === '') throw new Error('--data must name a folder');
  const databaseUrl = env['DATABASE_URL'] || undefined;
  if (databaseUrl !== undefined && !isPostgresUrl(databaseUrl)) {
    // Not quoted: it may hold a password.
    throw new Error('DATABASE_URL must be postgres://user:password@host/database');
  }
  return { port, dataFolder: values.data, databaseUrl, isQuiet: values.quiet };
}

function isPostgresUrl(text: string): boolean {
  return URL.canParse(text) && ['postgres:', 'postgresql:'].includes(new URL(text).protocol);
}
