import { ValidationPipe, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { AppModule } from './app.module.js';
import { PeerConfig } from './config/peer-config.js';

/** One peer of the cluster, not listening yet; told by its environment who it is: see PeerConfig. */
export async function createApp(): Promise<INestApplication> {
  const app = await NestFactory.create(AppModule, { abortOnError: false, logger: false });
  app.useLogger(app.get(PeerConfig).isVerbose ? ['log', 'warn', 'error', 'fatal'] : ['warn', 'error', 'fatal']);
  app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }));

  const document = new DocumentBuilder()
    .setTitle('Atlas')
    .setDescription('Cities of the world. Data: [GeoNames](https://www.geonames.org), CC BY 4.0.')
    .setVersion('1.0')
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, document));
  return app;
}
