import { spawn } from 'node:child_process';
import { dirname } from 'node:path';

/** What a user's shell would not have: the variables of npm's own scripts, of vitest, of coverage and of `node` flags. */
const ours =
  /^(npm_(?!config_)|npm_config_local_prefix$|NODE_(OPTIONS|ENV|PATH|V8_COVERAGE)$|VITEST|(TEST|MODE|DEV|PROD|SSR|BASE_URL)$)/;

/** The environment of a user's shell in which `node` is the given binary. */
export function shellOf(node: string): Record<string, string | undefined> {
  const inherited = Object.entries(process.env).filter(([name]) => !ours.test(name));
  return { ...Object.fromEntries(inherited), NO_COLOR: '1', PATH: `${dirname(node)}:${process.env['PATH']}` };
}

/** Runs a command to its end, at most four minutes. Resolves to its output; rejects with it unless the exit code is 0. */
export async function run(
  folder: string,
  [command, ...args]: readonly [command: string, ...args: string[]],
  node = process.execPath,
): Promise<string> {
  // A process group of its own, so that the time limit ends what npm has started as well.
  const child = spawn(command, args, {
    cwd: folder,
    env: shellOf(node),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const limit = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), 4 * 60_000);
  try {
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}:\n${output}`);
    return output;
  } finally {
    clearTimeout(limit);
  }
}
