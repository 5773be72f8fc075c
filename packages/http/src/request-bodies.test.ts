import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { serve } from './testing/test-server.ts';

async function send(body: Buffer | string, headers: Record<string, string>) {
  await using served = await serve({}, (app) => {
    app.post('/echo', async (request) => ({ body: request.body }));
  });
  const response = await fetch(`${served.url}/echo`, {
    method: 'POST',
    body: typeof body === 'string' ? body : new Uint8Array(body),
    headers,
  });
  return { status: response.status, headers: response.headers, answer: await response.json() };
}

const json = { 'content-type': 'application/json' };

describe('a body', () => {
  test.each(['ff', 'c0af', 'eda080', 'e9'])('of JSON that is not UTF-8 is rejected: %s', async (hex) => {
    const body = Buffer.concat([Buffer.from('{"label":"'), Buffer.from(hex, 'hex'), Buffer.from('"}')]);
    expect(await send(body, json)).toMatchObject({
      status: 400,
      answer: { code: 'request-invalid', detail: 'the body is not UTF-8' },
    });
  });

  test.each(['iso-8859-1', 'utf-16', '"windows-1252"'])('in the charset %s is rejected', async (charset) => {
    for (const type of ['application/json', 'text/csv', 'application/x-ndjson']) {
      expect(await send('{}', { 'content-type': `${type}; charset=${charset}` })).toMatchObject({
        status: 415,
        answer: { code: 'request-invalid', detail: expect.stringContaining('send it as UTF-8') },
      });
    }
  });

  test.each(['gzip', 'br', 'x-own'])('in the content coding %s is rejected', async (coding) => {
    const { status, headers, answer } = await send(gzipSync('{}'), { ...json, 'content-encoding': coding });
    expect([status, headers.get('accept-encoding')]).toEqual([415, 'identity']);
    expect(answer).toMatchObject({ code: 'request-invalid', detail: expect.stringContaining(coding) });
  });

  test('of JSON in UTF-8 is parsed, with and without a charset', async () => {
    for (const type of [
      'application/json',
      'application/json; charset=UTF-8',
      'application/json;charset="utf8"',
    ]) {
      expect(await send('{"a":"ü"}', { 'content-type': type, 'content-encoding': 'identity' })).toMatchObject(
        {
          status: 200,
          answer: { body: { a: 'ü' } },
        },
      );
    }
  });

  test.each(['{', '', '{"__proto__":{}}'])('that is not JSON is rejected: %j', async (body) => {
    expect(await send(body, json)).toMatchObject({ status: 400, answer: { code: 'request-invalid' } });
  });
});
