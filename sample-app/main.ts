import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { AppModule } from './app.module.js';
import { answerLauncher } from './cluster/answer-launcher.js';
import { PeerConfig } from './config/peer-config.js';

/** One peer of the cluster, told by its environment who it is: see PeerConfig. */
async function bootstrap(): Promise<void> {
  const app = await NestFactory.create(AppModule, { abortOnError: false, logger: false });
  const config = app.get(PeerConfig);
  app.useLogger(config.isVerbose ? ['log', 'warn', 'error', 'fatal'] : ['warn', 'error', 'fatal']);
  app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }));
  app.enableShutdownHooks();

  const document = new DocumentBuilder()
    .setTitle('Atlas')
    .setDescription('Cities of the world. Data: [GeoNames](https://www.geonames.org), CC BY 4.0.')
    .setVersion('1.0')
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, document));

  const { hostname, port } = new URL(config.self);
  await app.listen(Number(port), hostname);
  answerLauncher(app);
}

bootstrap().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
  // The channel to the launcher would keep the process alive.
  if (process.connected) process.disconnect();
});
