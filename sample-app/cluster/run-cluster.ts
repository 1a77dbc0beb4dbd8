import { AtlasCluster } from './atlas-cluster.js';
import { readOptions, usage, type ClusterOptions } from './options.js';

/** The reason of the signal that a task gets when the user has had enough. */
export class InterruptedError extends Error {
  override name = 'InterruptedError';
}

/**
 * What is done with a running cluster. `signal` is aborted on Ctrl-C, and when the cluster fails; the task then ends
 * soon, in whichever way. Resolves to the exit code.
 */
export type ClusterTask = (cluster: AtlasCluster, signal: AbortSignal, options: ClusterOptions) => Promise<number>;

/**
 * The frame of a command: starts a cluster, runs the task on it, and takes everything down again, however the task
 * ended. Ctrl-C and SIGTERM are the user's wish and end with `codeWhenInterrupted`; any failure ends with 1.
 */
export async function runCluster(task: ClusterTask, codeWhenInterrupted: number): Promise<void> {
  const ending = new AbortController();
  // Left in place until the end: npm passes on a Ctrl-C that the terminal has sent us already.
  const interrupt = (): void => ending.abort(new InterruptedError('interrupted'));
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    const code = await startAndRun(task, ending);
    process.exitCode ||= code;
  } catch (error) {
    if (error instanceof InterruptedError) {
      process.exitCode ||= codeWhenInterrupted;
    } else {
      console.error(describe(error));
      process.exitCode = 1;
    }
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

async function startAndRun(task: ClusterTask, ending: AbortController): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options === undefined) {
    console.log(usage);
    return 0;
  }

  const cluster = await AtlasCluster.start(options, ending.signal);
  console.log(`database: ${cluster.databaseDescription}`);
  console.log(`ready: ${cluster.urls.join(' ')}`);
  // From here on a failure and Ctrl-C take the same way: the signal ends the task, and its reason is what happened.
  void cluster.failed().then((error) => ending.abort(error));
  try {
    const code = await task(cluster, ending.signal, options);
    ending.signal.throwIfAborted();
    return code;
  } catch (error) {
    // What a task trips over while the cluster goes down is not the reason why it goes down.
    throw ending.signal.aborted ? ending.signal.reason : error;
  } finally {
    console.log('stopping');
    await stop(cluster);
  }
}

/** Told of here and not thrown, or it would take the place of the reason for stopping. */
async function stop(cluster: AtlasCluster): Promise<void> {
  try {
    await cluster.stop();
  } catch (error) {
    console.error('while stopping:', describe(error));
    process.exitCode = 1;
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A connection that is refused on several addresses has an empty message.
  const message = error.message || ('code' in error ? String(error.code) : error.name);
  return error.cause === undefined ? message : `${message}: ${describe(error.cause)}`;
}
