import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';

/** What one peer process is told by its environment; the launcher sets all of it. */
@Injectable()
export class PeerConfig {
  /** This peer's URL, as the others reach it: `ATLAS_SELF`. */
  readonly self = read('ATLAS_SELF', 'http://127.0.0.1:3000');

  /** Every peer's URL, this one's too: `ATLAS_PEERS`, separated by commas; alone by default. */
  readonly peers: readonly string[] = read('ATLAS_PEERS', this.self).split(',');

  /** What peers sign their requests to each other with: `ATLAS_SECRET`; a peer that is alone needs none. */
  readonly secret = read('ATLAS_SECRET', this.peers.length > 1 ? undefined : randomUUID());

  /** `DATABASE_URL`: a PostgreSQL that has the cities already. */
  readonly databaseUrl = read('DATABASE_URL');

  /** Connections that this peer may open: `ATLAS_POOL_SIZE`. */
  readonly databasePoolSize = Number(read('ATLAS_POOL_SIZE', '4'));

  /** Names this run in the statement log: `ATLAS_RUN`. */
  readonly run = read('ATLAS_RUN', randomUUID());

  /** `info` tells more than warnings: `ATLAS_LOG`. */
  readonly isVerbose = read('ATLAS_LOG', 'warn') === 'info';
}

function read(name: string, fallback?: string): string {
  const value = process.env[name] ?? fallback;
  if (value === undefined || value === '') throw new Error(`${name} is not set`);
  return value;
}
