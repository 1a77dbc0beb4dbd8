import { Module } from '@nestjs/common';
import { RequestCounter } from './request-counter.js';
import { StatsService } from './stats.service.js';

/** What the launcher's live line shows of this peer. The AppModule has the RequestCounter called. */
@Module({ providers: [RequestCounter, StatsService], exports: [RequestCounter, StatsService] })
export class StatsModule {}
