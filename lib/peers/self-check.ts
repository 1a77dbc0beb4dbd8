import type { HttpPeerClient } from './http-peer-client.js';
import type { HttpPool } from './http-pool.js';
import { headers } from './wire.js';

const CHECK_TIMEOUT_MS = 5_000;

/** Whether the process that answers at `self` is this one. */
export type SelfCheck = { readonly isSelf: true } | { readonly isSelf: false; readonly problem: string };

/**
 * Asks this process's own URL who answers there.
 *
 * A wrong `self` (a load balancer, a shared port, a guard in the way) makes no error by itself: the others load this
 * process's keys again and again. Takes 5 s at most, and ends at once when `signal` aborts. Never rejects; `problem` says
 * what is wrong and what to do.
 */
export async function checkSelf(
  pool: HttpPool,
  signal: AbortSignal = new AbortController().signal,
): Promise<SelfCheck> {
  const { self } = pool;
  if (self === undefined) return { isSelf: false, problem: 'this process has no URL: say "self"' };
  let client: HttpPeerClient | undefined;
  try {
    client = pool.clientFor(self);
    const { status, headers: answered } = await client.probe(CHECK_TIMEOUT_MS, signal);
    const bootId = answered[headers.bootId];
    if (bootId === pool.bootId && status !== 401) return { isSelf: true };
    return { isSelf: false, problem: `${self}${pool.basePath} ${problemOf(status, bootId)}` };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      isSelf: false,
      problem: `${self} can't be reached from here (${reason}): is it the address that peers can reach?`,
    };
  } finally {
    await client?.close(0);
  }
}

function problemOf(status: number, bootId: unknown): string {
  if (typeof bootId === 'string') {
    return status === 401
      ? 'refuses the signature: do all processes behind this URL have the same secret?'
      : 'is answered by another process: "self" must be an address of this process alone, not a load balancer or a shared port';
  }
  switch (status) {
    case 401:
    case 403:
      return (
        `is answered ${status} by something in front of the peer controller, such as a global guard: let it through by ` +
        `"controllerDecorators" (for example [Public()]), or answer peers before it by mount: 'raw' or on a "listen" port`
      );
    case 404:
      return 'is answered 404: nothing is mounted there; is the base path the same, and does the URL go to this process?';
    case 429:
      return (
        'is answered 429 by a throttler: exempt the peer controller by "controllerDecorators" (for example ' +
        `[SkipThrottle()]), or answer peers before it by mount: 'raw' or on a "listen" port`
      );
    default:
      return `is answered ${status} by something that is not this process`;
  }
}
