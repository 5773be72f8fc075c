#!/usr/bin/env node
/** Where npm's link to the command leads: `npm ci` links only what is there, and `dist/` is not before the first build. */
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('headwater: not built yet; run `npm run build` first\n');
  process.exitCode = 2;
}
