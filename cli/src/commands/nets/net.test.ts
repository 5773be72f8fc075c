import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { encodePng } from '@headwater/demo/sources';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Console } from '../../terminal/console.ts';
import { registerNet } from './net.ts';

const model = (name: string) => fileURLToPath(new URL(`../../../../models/${name}`, import.meta.url));
const lenet = model('lenet-digits.v1/net.onnx');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'net-command-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs `headwater net …`; what it says on both streams. */
async function run(...args: string[]) {
  const streams = { stdout: '', stderr: '' };
  const stderr = new PassThrough();
  stderr.on('data', (chunk) => {
    streams.stderr += chunk;
  });
  const console: Console = {
    environment: {},
    stdout: {
      write: (text) => {
        streams.stdout += text;
      },
    },
    stderr,
    signal: new AbortController().signal,
    createLogger: () => {
      throw new Error('no logger is needed');
    },
  };
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  let code: number | undefined;
  registerNet(program, console, (result) => {
    code = result;
  });
  await program.parseAsync(['node', 'headwater', 'net', ...args]);
  return { ...streams, code };
}

/** Squares in one half of the picture or the other. */
async function writePictures(root: string, count: number): Promise<void> {
  for (const [name, left] of [
    ['left', 2],
    ['right', 16],
  ] as const) {
    await mkdir(join(root, name), { recursive: true });
    for (let index = 0; index < count; index++) {
      const pixels = Uint8Array.from({ length: 28 * 28 }, (_, place) => {
        const [x, y] = [place % 28, Math.floor(place / 28)];
        return x >= left && x < left + 10 && y > index % 9 && y < 20 ? 200 + (index % 50) : 0;
      });
      await writeFile(join(root, name, `${index}.png`), encodePng({ width: 28, height: 28, pixels }));
    }
  }
}

describe('headwater net', () => {
  it('lists layers as a table and as JSON', async () => {
    const { stdout, code } = await run('layers', lenet);
    expect(code).toBe(0);
    expect(stdout).toMatch(/10 {2}features +Flatten +N × 800 +float32\n/);
    const json = JSON.parse((await run('layers', lenet, '--json')).stdout);
    expect(json.layers).toHaveLength(13);
    expect(json.layers[6]).toMatchObject({
      name: 'conv2',
      operator: 'Conv',
      parameters: 25050,
      shape: ['N', 50, 8, 8],
    });
  });

  it('cuts, takes and drops', async () => {
    const out = join(folder, 'out.onnx');
    await run('cut', lenet, '--after', 'conv2.pool', '--out', out);
    expect(JSON.parse((await run('layers', out, '--json')).stdout).layers).toHaveLength(9);
    await run('take', out, '4', '--out', out);
    expect((await run('drop', out, '--out', out, '--', '-1')).stderr).toContain('3 layers, the last is nchw');
  });

  it('lists nets that the engine cannot run, and cuts off unknown operators', async () => {
    const strange = join(folder, 'strange.onnx');
    // The last operator of its name in the file is that of the logits.
    const bytes = await readFile(lenet);
    bytes.write('Gems', bytes.lastIndexOf('Gemm'), 'latin1');
    await writeFile(strange, bytes);
    const { stdout, stderr } = await run('layers', strange);
    expect(stderr).toMatch(/shapes are unknown: .*Gems/);
    expect(stdout).toMatch(/13 {2}logits +Gems/);
    await run('cut', strange, '--after', 'features', '--out', strange);
    expect((await run('layers', strange)).stdout).toMatch(/10 {2}features +Flatten +N × 800/);
  });

  it('rejects invalid cuts, and writes nothing', async () => {
    const out = join(folder, 'never.onnx');
    await expect(run('cut', lenet, '--after', 'conv9', '--out', out)).rejects.toMatchObject({
      code: 'config-invalid',
    });
    await expect(run('take', lenet, '13', '--out', out)).rejects.toMatchObject({ code: 'config-invalid' });
    await expect(run('take', lenet, 'two', '--out', out)).rejects.toThrow('whole number');
    await expect(run('layers', join(folder, 'nowhere.onnx'))).rejects.toMatchObject({
      code: 'config-invalid',
    });
    await expect(readFile(out)).rejects.toThrow('ENOENT');
  });

  it('trains on a folder with frozen layers, and the result can be cut', async () => {
    const data = join(folder, 'pictures');
    await writePictures(data, 40);
    await writeFile(join(data, 'left', 'broken.png'), 'no picture');
    const out = join(folder, 'trained');
    const first = await run(
      'train',
      'lenet',
      '--data',
      data,
      '--rounds',
      '2',
      '--batch',
      '16',
      '--backend',
      'wasm',
      '--out',
      out,
      '--json',
    );
    expect(JSON.parse(first.stdout)).toMatchObject({
      classes: ['left', 'right'],
      trained: 128,
      tested: 16,
      accuracy: 1,
    });
    expect(first.stderr).toMatch(/skipped .*broken\.png/);
    expect(first.stderr).toMatch(/round 2: 128 of 128 images, loss 0\.\d{4}/);
    const again = join(folder, 'again');
    const from = join(out, 'model.json');
    await run(
      'train',
      'lenet',
      '--data',
      data,
      '--from',
      from,
      '--rounds',
      '1',
      '--freeze',
      'conv1,conv2',
      '--multiplier',
      'linear1=0.1',
      '--backend',
      'wasm',
      '--out',
      again,
    );
    const half = join(folder, 'half');
    const weights = [];
    for (const source of [from, join(again, 'model.json')]) {
      await run('cut', source, '--after', 'flatten', '--out', half);
      weights.push(await readFile(join(half, 'weights.bin')));
    }
    expect(weights[0]?.equals(weights[1] ?? Buffer.alloc(0))).toBe(true);
    await run('drop', from, '8', '--out', half);
    expect(JSON.parse((await run('layers', join(half, 'model.json'), '--json')).stdout).layers).toHaveLength(
      4,
    );
  }, 120_000);

  it('reports invalid options before a training starts', async () => {
    const out = join(folder, 'never');
    await expect(run('train', 'resnet', '--out', out)).rejects.toThrow('lenet');
    await expect(run('train', 'lenet', '--data', folder, '--out', out)).rejects.toMatchObject({
      code: 'config-invalid',
    });
    await expect(run('train', 'lenet', '--classes', '0,x', '--out', out)).rejects.toThrow(
      'unknown classes x',
    );
    await expect(run('train', 'lenet', '--multiplier', 'conv1', '--out', out)).rejects.toThrow('conv1=0.1');
  }, 60_000);
});
