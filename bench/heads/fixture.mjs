/** Shared by the questions: the digits, and the programs that Headwater is compared with. */
import { fileURLToPath } from 'node:url';
import { loadDigits } from './digits.mjs';
import { openPython } from './python.mjs';

const root = fileURLToPath(new URL('../../.headwater/', import.meta.url));

export async function openWorkplace({ baselines, kinds }) {
  const folder = `${root}bench`;
  return {
    kinds,
    digits: await loadDigits({ folder, threads: 1 }),
    python: baselines ? await openPython({ folder, environment: `${root}bench-venv` }) : null,
  };
}
