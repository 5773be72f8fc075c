/**
 * Effect of the security headers in a browser: a page with script and style files runs without an error, and text
 * that is injected into it (an image name, a label) does not run.
 */
import { existsSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pagePolicy } from './security-headers.ts';
import { serve, type TestServer } from './testing/test-server.ts';

const executablePath = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]
  .filter((path) => path !== undefined)
  .find((path) => existsSync(path));

const hostile = [
  '<script>window.inline = true</script>',
  '<img src="data:image/png;base64,x" onerror="window.handler = true">',
  '<a id="anchor" href="javascript:window.link = true">x</a>',
  '<style>body { color: rgb(1, 2, 3) }</style>',
  '<base href="https://elsewhere.example/">',
  '<script src="https://elsewhere.example/x.js"></script>',
];
const page = (body: string) =>
  `<!doctype html><html><head><link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css"></head><body>${body}<script src="/page.js"></script></body></html>`;
const inline = 'document.body.dataset.inline = "ran";';

function addPages(app: FastifyInstance): void {
  const html = (path: string, body: string, policy?: string) =>
    app.get(path, async (_request, reply) => {
      if (policy !== undefined) reply.header('content-security-policy', policy);
      return reply.type('text/html').send(page(body));
    });
  html('/clean', '');
  html('/hostile', hostile.join(''));
  html('/named', `<script>${inline}</script>${hostile[0]}`, pagePolicy({ scripts: [inline] }));
  app.get('/page.css', async (_request, reply) =>
    reply.type('text/css').send('body { color: rgb(10, 20, 30) }'),
  );
  const script = `fetch('/things').then(({ status }) => { document.body.dataset.answer = String(status); });`;
  app.get('/page.js', async (_request, reply) => reply.type('text/javascript').send(script));
}

/** Expressions to evaluate in the page, as text because this program has no DOM types. */
const answered = 'document.body.dataset.answer !== undefined';
const state = `({
  ran: ['inline', 'handler', 'link'].filter((name) => window[name] === true),
  color: getComputedStyle(document.body).color,
  base: document.baseURI,
})`;
const frame = `(async () => {
  const frame = document.createElement('iframe');
  frame.src = '/things';
  document.body.append(frame);
  await new Promise((resolve) => frame.addEventListener('load', resolve));
  return frame.contentDocument?.body.textContent ?? 'nothing';
})().catch(() => 'nothing')`;

/** Skipped without a browser, but never in CI, where the skip would go unnoticed. */
const isSkipped = executablePath === undefined && !process.env.CI;
if (isSkipped) process.stderr.write('no Chromium: install it, or set CHROMIUM to its path\n');

describe.skipIf(isSkipped)('in a browser', () => {
  let browser: Browser;
  let served: TestServer;

  beforeAll(async () => {
    if (executablePath === undefined)
      throw new Error('Chromium is missing: install it, or set CHROMIUM to its path');
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    served = await serve({}, addPages);
  });
  afterAll(async () => {
    await browser?.close();
    await served?.[Symbol.asyncDispose]();
  });

  async function visit(path: string) {
    const context = await browser.newContext();
    const tab = await context.newPage();
    const complaints: string[] = [];
    tab.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    tab.on('pageerror', (error) => complaints.push(error.message));
    await tab.goto(`${served.url}${path}`, { waitUntil: 'load' });
    return { tab, complaints, close: () => context.close() };
  }

  test('runs the files of a page without errors, and no injected text', async () => {
    const { tab, complaints, close } = await visit('/clean');
    await tab.waitForFunction(answered);
    expect(await tab.evaluate('({ ...document.body.dataset })')).toEqual({ answer: '200' });
    expect(await tab.evaluate('getComputedStyle(document.body).color')).toBe('rgb(10, 20, 30)');
    expect(complaints).toEqual([]);
    await close();

    const attacked = await visit('/hostile');
    await attacked.tab.waitForFunction(answered);
    await attacked.tab.click('#anchor');
    const found = await attacked.tab.evaluate(state);
    expect(found).toEqual({ ran: [], color: 'rgb(10, 20, 30)', base: `${served.url}/hostile` });

    const others = attacked.complaints.filter((text) => !/Content Security Policy/.test(text));
    // The broken image whose handler did not run.
    expect(others).toEqual(['Failed to load resource: net::ERR_INVALID_URL']);
    expect(attacked.complaints.length - others.length).toBeGreaterThanOrEqual(5);
    await attacked.close();
  });

  test('runs only the inline script that the page policy allows', async () => {
    const { tab, complaints, close } = await visit('/named');
    expect(await tab.evaluate('({ ...document.body.dataset })')).toMatchObject({ inline: 'ran' });
    expect(await tab.evaluate('window.inline')).toBeUndefined();
    expect(complaints.filter((text) => !/Content Security Policy/.test(text))).toEqual([]);
    await close();
  });

  test('neither runs nor frames data', async () => {
    const { tab, close } = await visit('/clean');
    const framed = await tab.evaluate(frame);
    expect(framed).not.toContain('things');
    await close();
  });
});
