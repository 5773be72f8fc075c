import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../program.ts';
import { createTestConsole } from '../testing/test-console.ts';

let folder = '';
let server: Server;
let url = '';
const asked: string[] = [];

/** Takes what begins with `image`, refuses the rest. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-ingest-command-'));
  await mkdir(join(folder, 'cat'));
  await writeFile(join(folder, 'cat', 'a.png'), 'image a');
  await writeFile(join(folder, 'top.png'), 'image top');
  await writeFile(join(folder, 'notes.txt'), 'no picture');
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    asked.push(request.url ?? '');
    if (request.url?.includes('task=secured') && request.headers.authorization !== 'Bearer the-token') {
      response.writeHead(401).end('{"code":"unauthenticated","detail":"this needs a token"}');
      return;
    }
    if (body.startsWith('image')) response.writeHead(202).end(`{"id":"id of ${body}"}`);
    else response.writeHead(415).end('{"code":"image-type-unsupported","detail":"this is text"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const ingest = (...args: string[]) => ingestWith({}, ...args);

async function ingestWith(environment: Record<string, string>, ...args: string[]) {
  const console = createTestConsole(environment);
  const code = await runProgram(['node', 'headwater', 'ingest', ...args], console);
  await new Promise(setImmediate);
  return { code, out: console.out(), err: console.err() };
}

describe('headwater ingest', () => {
  it('sends every image with the label of its sub-folder, and prints its id', async () => {
    const { code, out, err } = await ingest(folder, '--url', url, '--task', 'animal');
    expect(code).toBe(0);
    expect(out.trim().split('\n').sort()).toEqual(['id of image a  cat/a.png', 'id of image top  top.png']);
    expect(err).toContain('skipped notes.txt: image-type-unsupported (this is text)\n');
    expect(err).toContain('2 images accepted; skipped: 1 × image-type-unsupported');
    expect(asked).toContain('/v1/images?source=folder&task=animal&label=cat');
    expect(asked).toContain('/v1/images?source=folder');
  });

  it('prints the counts alone for machines', async () => {
    const { out } = await ingest(folder, '--url', url, '--json');
    expect(JSON.parse(out)).toMatchObject({ accepted: 2, reasons: { 'image-type-unsupported': 1 } });
  });

  it('sends its token, and stops where one is required and missing', async () => {
    const command = [folder, '--url', url, '--task', 'secured'];
    const { code, err } = await ingest(...command);
    expect([code, err]).toEqual([1, expect.stringContaining('HEADWATER_TOKEN')]);
    const file = join(folder, 'token');
    await writeFile(file, 'the-token\n');
    for (const environment of [{ HEADWATER_TOKEN: 'the-token' }, { HEADWATER_TOKEN_FILE: file }]) {
      expect((await ingestWith(environment, ...command)).code).toBe(0);
    }
    expect((await ingestWith({ HEADWATER_TOKEN: 'x', HEADWATER_TOKEN_FILE: file }, ...command)).code).toBe(2);
    await rm(file);
  });

  it('stops with a message where the folder cannot be read', async () => {
    const { code, err } = await ingest(join(folder, 'nowhere'), '--url', url);
    expect(code).toBeGreaterThan(0);
    expect(err).toContain('cannot read the folder');
    expect(err).not.toMatch(/\n\s+at /);
  });

  it('names a folder that cannot be read and files with two labels, and sends the others', async () => {
    const own = await mkdtemp(join(tmpdir(), 'headwater-ingest-odd-'));
    try {
      for (const name of ['cat', 'dog']) {
        await mkdir(join(own, name));
        await writeFile(join(own, name, 'a.png'), 'image same');
      }
      await mkdir(Buffer.concat([Buffer.from(`${own}/`), Buffer.of(0xe9)]));
      const { code, err } = await ingest(own, '--url', url, '--task', 'animal');
      expect(code).toBe(0);
      expect(err).toContain('skipped \ufffd: folder-unreadable (ENOENT; the name is not UTF-8)');
      expect(err).toContain('dog/a.png: identical bytes had the label cat; using the later label, dog');
      expect(err).toContain(
        '2 images accepted; skipped: 1 × folder-unreadable; 1 are identical to a file with another label',
      );
    } finally {
      await rm(own, { recursive: true });
    }
  });

  it('stops when the service is unreachable, instead of skipping every file', async () => {
    const { code, err } = await ingest(folder, '--url', 'http://127.0.0.1:1');
    expect(code).toBe(1);
    expect(err).toContain('no response from http://127.0.0.1:1');
  });
});
