/**
 * A slow disk under one folder, for processes that are started with `--import` of this file: opening a file there takes as many
 * milliseconds as the file SLOW_FILES_MS_FROM says at that moment. It stands at the very edge, where Node asks the system, so
 * that everything of the product above it is what users run; a file system that is slow for real needs privileges.
 */
import { readFileSync } from 'node:fs';
import files from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const { SLOW_FILES_IN: folder, SLOW_FILES_MS_FROM: slowness } = process.env;

if (folder !== undefined && slowness !== undefined) {
  const { open } = files;
  files.open = async (path, ...rest) => {
    if (String(path).startsWith(folder + sep)) await sleep(millisecondsNow());
    return open(path, ...rest);
  };
  syncBuiltinESMExports();
}

function millisecondsNow() {
  try {
    return Number(readFileSync(slowness, 'utf8')) || 0;
  } catch {
    return 0;
  }
}
