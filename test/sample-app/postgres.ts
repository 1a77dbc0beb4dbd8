import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { freePorts } from '../../sample-app/cluster/free-ports.js';

const installations = '/usr/lib/postgresql';

/** The folder of the newest PostgreSQL's programs, where Debian puts them; undefined when there is none. */
export async function postgresPrograms(): Promise<string | undefined> {
  const versions = existsSync(installations) ? await readdir(installations) : [];
  return versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(installations, version, 'bin'))
    .find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

/** A PostgreSQL that runs. */
export interface Postgres {
  readonly url: string;
  readonly password: string;
  /** Resolves when it has ended; it does not wait for its clients. */
  stop(): Promise<void>;
}

/** A PostgreSQL of the test's own, empty, on a free port; stopped and removed when the test is over. */
export async function startPostgres(programs: string): Promise<Postgres> {
  const user = await unprivilegedUser();
  const folder = await mkdtemp(join(tmpdir(), 'atlas-postgres-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const password = randomBytes(16).toString('hex');
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, password);
  if (user !== undefined) await Promise.all([folder, passwordFile].map((path) => chown(path, user.uid, user.gid)));

  const data = join(folder, 'data');
  const initialise = ['-D', data, '-U', 'atlas', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8'];
  await promisify(execFile)(join(programs, 'initdb'), [...initialise, '--locale=C', '--no-sync'], {
    cwd: folder,
    ...user,
  });

  const [port] = await freePorts(0, 1);
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', 'log_statement=none'];
  const server = spawn(
    join(programs, 'postgres'),
    ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], ...user },
  );
  const closed = once(server, 'close');
  const stop = async (): Promise<void> => {
    // What PostgreSQL calls a fast shutdown.
    server.kill('SIGINT');
    await closed;
  };
  onTestFinished(stop);

  const log: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: server.stderr }).on('line', (line) => {
      log.push(line);
      if (line.includes('ready to accept connections')) resolve();
    });
    void closed.then(() => reject(new Error(`PostgreSQL ended:\n${log.join('\n')}`)));
  });
  return { url: `postgres://atlas:${password}@127.0.0.1:${port}/postgres`, password, stop };
}

/** PostgreSQL refuses to run as root; for anybody else undefined. */
async function unprivilegedUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const [, , uid, gid] = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody') ?? [];
  if (uid === undefined || gid === undefined) throw new Error('no user to run PostgreSQL as');
  return { uid: Number(uid), gid: Number(gid) };
}
