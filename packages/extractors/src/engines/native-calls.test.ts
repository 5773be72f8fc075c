/** ONNX Runtime aborts a process whose thread is terminated during a call, so the test needs a separate process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'headwater-native-calls-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file, since threads inherit the flag that a script on the command line needs. */
function fileOf(script: string): string {
  const file = join(folder, 'child.mjs');
  writeFileSync(file, script);
  return file;
}

const library = JSON.stringify(import.meta.resolve('@headwater/extractors'));

/** A call of the engine takes about a second; `act` happens during the call. */
async function runChild(act: string): Promise<{ readonly code: unknown; readonly stderr: string }> {
  const script = `
    import { openBuiltIn } from ${library};
    import sharp from ${JSON.stringify(import.meta.resolve('sharp'))};
    const images = 64;
    const extractor = await openBuiltIn('efficientnet-lite0.v1', {
      threads: 1, batchSize: images, batchLingerMs: 60_000,
    });
    const image = await sharp({ create: { width: 224, height: 224, channels: 3, background: '#123' } }).png().toBuffer();
    const records = Array.from({ length: images }, () => extractor.extract({ image, attributes: {} }));
    setTimeout(() => { ${act} }, 600);
    await Promise.all(records);`;
  const child = spawn(process.execPath, [fileOf(script)], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code, signal] = await once(child, 'close');
  return { code: code ?? signal, stderr };
}

it('exits with the code of the process during a call of the engine', async () => {
  expect(await runChild('process.exit(7);')).toEqual({ code: 7, stderr: '' });
});

it('exits with the code of the process while the engine starts', async () => {
  const script = `
    import { openBuiltIn } from ${library};
    openBuiltIn('efficientnet-lite0.v1', { threads: 1 });
    setTimeout(() => process.exit(7), 120);`;
  const child = spawn(process.execPath, [fileOf(script)], { stdio: 'ignore' });
  expect(await once(child, 'close')).toEqual([7, null]);
});
