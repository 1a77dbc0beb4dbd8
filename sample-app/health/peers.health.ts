import { Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { HttpPool } from 'nestjs-groupcache';

/** Lists the peers that this one shares its keys with. Up as long as there are any: a dead peer costs loads, not answers. */
@Injectable()
export class PeersHealth {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly pool: HttpPool,
  ) {}

  check(): HealthIndicatorResult {
    const indicator = this.indicators.check('peers');
    const peers = [...this.pool.peers];
    return peers.length > 0 ? indicator.up({ peers }) : indicator.down('no peers');
  }
}
