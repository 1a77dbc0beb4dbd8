// Writes test/vectors/go-*.json anew with the Go program in go-peer/: `npm run vectors`.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { buildGoPeer } from './build-go-peer.mjs';

const binary = await buildGoPeer();
if (binary === undefined) {
  console.error('The vectors need Go and groupcache: apt-get install golang-go golang-github-golang-groupcache-dev');
  process.exit(1);
}
const folder = fileURLToPath(new URL('../vectors/', import.meta.url));
mkdirSync(folder, { recursive: true });
execFileSync(binary, ['vectors', '-out', folder], { stdio: 'inherit' });
