import { Injectable } from '@nestjs/common';
import { GroupService } from 'nestjs-groupcache';
import type { PeerStats } from './peer-stats.js';
import { RequestCounter } from './request-counter.js';

@Injectable()
export class StatsService {
  constructor(
    private readonly groups: GroupService,
    private readonly requests: RequestCounter,
  ) {}

  read(): PeerStats {
    const { groups } = this.groups;
    const sum = (of: (group: (typeof groups)[number]) => number): number =>
      groups.reduce((total, group) => total + of(group), 0);
    return {
      requests: this.requests.count,
      gets: sum((group) => group.stats.gets),
      mainHits: sum((group) => group.cacheStats('main').hits),
      hotHits: sum((group) => group.cacheStats('hot').hits),
      peerLoads: sum((group) => group.stats.peerLoads),
      peerErrors: sum((group) => group.stats.peerErrors),
      localLoads: sum((group) => group.stats.localLoads),
    };
  }
}
