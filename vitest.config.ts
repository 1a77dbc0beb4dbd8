import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The package's own subpaths, so that tests and the sample app read as a user's code does, without a build. */
const sources: Readonly<Record<string, string>> = {
  'nestjs-groupcache': 'lib/index.ts',
  'nestjs-groupcache/core': 'lib/core/index.ts',
  'nestjs-groupcache/peers': 'lib/peers/index.ts',
  'nestjs-groupcache/codecs/rich': 'lib/codecs/rich-codec.ts',
  'nestjs-groupcache/codecs/class': 'lib/codecs/class-codec.ts',
  'nestjs-groupcache/codecs/protobuf': 'lib/codecs/protobuf-codec.ts',
  'nestjs-groupcache/testing': 'lib/testing/index.ts',
  'nestjs-groupcache/testing/nest': 'lib/testing/nest/index.ts',
};

export default defineConfig({
  resolve: {
    alias: Object.entries(sources).map(([name, source]) => ({
      find: new RegExp(`^${name}$`),
      replacement: fileURLToPath(new URL(source, import.meta.url)),
    })),
  },
  test: {
    // Processes, not threads: V8's flags and the signals of child processes do not reach a thread.
    pool: 'forks',
    execArgv: ['--expose-gc'],
    coverage: {
      provider: 'v8',
      include: ['lib/**/*.ts'],
      reporter: ['text', 'json-summary'],
      thresholds: { lines: 95, branches: 90 },
    },
    // `npm test` runs `quick`; what takes minutes or needs more than npm gives is `*.long.test.ts`, in `long`.
    projects: [
      {
        extends: true,
        test: { name: 'quick', include: ['test/**/*.test.ts'], exclude: ['test/**/*.long.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'long',
          include: ['test/**/*.long.test.ts'],
          testTimeout: 10 * 60_000,
          hookTimeout: 5 * 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
