import { Global, Module } from '@nestjs/common';
import { PeerConfig } from './peer-config.js';

/** Gives every module the one PeerConfig. */
@Global()
@Module({ providers: [PeerConfig], exports: [PeerConfig] })
export class ConfigModule {}
