import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PeerConfig } from '../config/peer-config.js';
import { StatementLog } from './statement-log.js';

/** This peer's pool of connections to the database that all peers share. */
@Global()
@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [PeerConfig],
      useFactory: (config: PeerConfig) => ({
        type: 'postgres',
        url: config.databaseUrl,
        poolSize: config.databasePoolSize,
        autoLoadEntities: true,
        retryAttempts: 3,
        retryDelay: 500,
        extra: { connectionTimeoutMillis: 15_000 },
      }),
    }),
  ],
  providers: [StatementLog],
  exports: [StatementLog],
})
export class DatabaseModule {}
