import { answerLauncher } from './cluster/answer-launcher.js';
import { PeerConfig } from './config/peer-config.js';
import { createApp } from './create-app.js';

async function bootstrap(): Promise<void> {
  const app = await createApp();
  app.enableShutdownHooks();

  const { hostname, port } = new URL(app.get(PeerConfig).self);
  await app.listen(Number(port), hostname);
  answerLauncher(app);
}

bootstrap().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
  // The channel to the launcher would keep the process alive.
  if (process.connected) process.disconnect();
});
