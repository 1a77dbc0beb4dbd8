import { Module, type MiddlewareConsumer, type NestModule } from '@nestjs/common';
import { GroupcacheModule } from 'nestjs-groupcache';
import { CitiesController } from './cities/cities.controller.js';
import { CitiesModule } from './cities/cities.module.js';
import { ConfigModule } from './config/config.module.js';
import { PeerConfig } from './config/peer-config.js';
import { CountriesController } from './countries/countries.controller.js';
import { CountriesModule } from './countries/countries.module.js';
import { DatabaseModule } from './database/database.module.js';
import { HealthModule } from './health/health.module.js';
import { NearestController } from './nearest/nearest.controller.js';
import { NearestModule } from './nearest/nearest.module.js';
import { RequestCounter } from './stats/request-counter.js';
import { StatsModule } from './stats/stats.module.js';

@Module({
  imports: [
    ConfigModule,
    // Every peer has the same list and so agrees with the others on who owns which key.
    GroupcacheModule.forRootAsync({
      inject: [PeerConfig],
      useFactory: (config: PeerConfig) => ({
        self: config.self,
        peers: config.peers,
        auth: { secret: config.secret },
        // The database is read and never written.
        defaults: { forever: true },
      }),
    }),
    DatabaseModule,
    CitiesModule,
    NearestModule,
    CountriesModule,
    HealthModule,
    StatsModule,
  ],
})
export class AppModule implements NestModule {
  constructor(private readonly requests: RequestCounter) {}

  configure(consumer: MiddlewareConsumer): void {
    // What users ask, and not what peers ask each other.
    consumer.apply(this.requests.countRequest).forRoutes(CitiesController, NearestController, CountriesController);
  }
}
