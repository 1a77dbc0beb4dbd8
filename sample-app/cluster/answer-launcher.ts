import type { INestApplication } from '@nestjs/common';
import { HttpPool } from 'nestjs-groupcache';
import { StatsService } from '../stats/stats.service.js';
import type { PeerMessage, StatsRequest } from './messages.js';

/** How long a peer whose launcher is gone may take to end. */
const endWithinMs = 5_000;

/**
 * A peer's side of the channel to its launcher: says that it is ready, answers with its stats, and ends when the
 * launcher is gone, however that ended. Does nothing in a process that was started without one.
 */
export function answerLauncher(app: INestApplication): void {
  if (process.send === undefined) return;
  const stats = app.get(StatsService);

  process.on('message', (message: StatsRequest) => {
    if (message.type === 'stats') tell({ type: 'stats', stats: stats.read() });
  });
  process.once('disconnect', () => {
    // The database may be gone with the launcher, and a pool wait for it.
    setTimeout(() => process.exit(1), endWithinMs).unref();
    void app.close();
  });
  // Until then others take a part of this peer's keys, and a few are read once more.
  void app.get(HttpPool).ready.then(() => tell({ type: 'ready' }));
}

function tell(message: PeerMessage): void {
  // An error means that the launcher has gone; 'disconnect' follows.
  process.send?.(message, undefined, undefined, () => {});
}
