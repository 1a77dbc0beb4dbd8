import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller.js';
import { PeersHealth } from './peers.health.js';

@Module({
  imports: [TerminusModule],
  controllers: [HealthController],
  providers: [PeersHealth],
})
export class HealthModule {}
