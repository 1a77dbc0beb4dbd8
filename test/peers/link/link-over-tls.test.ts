import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { localhostCertificate } from '../localhost-certificate.js';

const script = fileURLToPath(new URL('../fixtures/tls-peers.mjs', import.meta.url));

/** What two peers with https URLs come to, in a process of their own, which says whom Node trusts. Runs on the build. */
async function runPeers(env: Record<string, string> = {}): Promise<unknown> {
  const { keyFile, certFile } = localhostCertificate;
  // Killed, and so rejected, if it does not end by itself.
  const { stdout } = await promisify(execFile)(process.execPath, [script, keyFile, certFile], {
    timeout: 20_000,
    env: { ...process.env, ...env },
  });
  return JSON.parse(stdout);
}

describe('a link between peers with https URLs', () => {
  it('opens and serves both, where an authority of their own is trusted', { timeout: 30_000 }, async () => {
    const outcome = await runPeers({ NODE_EXTRA_CA_CERTS: localhostCertificate.certFile });

    expect(outcome).toEqual({
      byGet: 100_000,
      byLink: [100_000, 100_000],
      links: [1, 1],
      // Only the question that could not wait for the link.
      requests: [0, 1],
    });
  });

  it('does not open where nobody vouches for the other side', { timeout: 30_000 }, async () => {
    expect(await runPeers()).toEqual({
      error: expect.stringMatching(/could not be asked: self-signed certificate$/),
      links: [0, 0],
      requests: [0, 0],
    });
  });
});
