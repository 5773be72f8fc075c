import { createConnection } from 'node:net';
import { HeadwaterError } from '@headwater/errors';
import type { Log, LogProducer, WriteBlock } from '@headwater/log';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { eventually, type IngestFixture, startIngestFixture } from '../testing/ingest-fixture.ts';
import { makePicture } from '../testing/pictures.ts';

/** A log whose producer does what the test says. */
function withSend(send: (real: LogProducer, ...args: Parameters<LogProducer['send']>) => Promise<void>) {
  return (log: Log): Log =>
    Object.assign(Object.create(log) as Log, {
      openProducer: async () => {
        const real = await log.openProducer();
        return {
          send: (records: Parameters<LogProducer['send']>[0]) => send(real, records),
          close: () => real.close(),
        };
      },
      blocked: log.blocked.bind(log),
      follow: log.follow.bind(log),
      read: log.read.bind(log),
      close: log.close.bind(log),
    });
}

const post = (fixture: IngestFixture, bytes: Buffer) =>
  fetch(`${fixture.url}/v1/images`, { method: 'POST', body: new Uint8Array(bytes) });

const refusal = async (response: Response) => ({
  status: response.status,
  retry: response.headers.get('retry-after'),
  code: ((await response.json()) as { code: string }).code,
});

describe('back pressure', () => {
  it('responds only when the record is in the log', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const wrap = withSend(async (real, records) => {
      await gate;
      await real.send(records);
    });
    await using fixture = await startIngestFixture({ wrap });
    let answered = false;
    const answer = post(fixture, await makePicture('png')).then((response) => {
      answered = true;
      return response.status;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(answered).toBe(false);
    release();
    expect(await answer).toBe(202);
  });

  it('refuses more requests than its limit, and takes them again afterwards', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const wrap = withSend(async (real, records) => {
      await gate;
      await real.send(records);
    });
    await using fixture = await startIngestFixture({ wrap, environment: { MAX_IN_FLIGHT_REQUESTS: '2' } });
    const bytes = await makePicture('png');
    const answers = Array.from({ length: 5 }, () => post(fixture, bytes));
    const refused = await eventually(async () => {
      const response = await post(fixture, bytes);
      return response.status === 503 ? refusal(response) : undefined;
    });
    expect(refused).toEqual({ status: 503, retry: '1', code: 'overloaded' });
    release();
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 202).length).toBe(2);
    expect((await post(fixture, bytes)).status).toBe(202);
    expect((await fixture.read('images')).length).toBe(3);
  });

  it('refuses bodies that do not fit into its memory', async () => {
    await using fixture = await startIngestFixture({
      environment: { MAX_IN_FLIGHT_BYTES: '1MiB', MAX_IMAGE_BYTES: '2MiB' },
    });
    const response = await post(fixture, Buffer.alloc(1_500_000));
    expect(await refusal(response)).toEqual({ status: 503, retry: '1', code: 'overloaded' });
    expect((await post(fixture, await makePicture('png'))).status).toBe(202);
  });

  it('returns 503 when the log does not respond, and recovers with it', async () => {
    let hangs = true;
    let release = () => {};
    const wrap = withSend((real, records) =>
      hangs
        ? new Promise<void>((resolve) => (release = resolve)).then(() => real.send(records))
        : real.send(records),
    );
    await using fixture = await startIngestFixture({ wrap, environment: { SEND_TIMEOUT: '50ms' } });
    const bytes = await makePicture('png');
    expect(await refusal(await post(fixture, bytes))).toEqual({
      status: 503,
      retry: '1',
      code: 'log-unavailable',
    });
    expect(fixture.dependencies.health.ready).toBe(true);
    hangs = false;
    release();
    await eventually(async () => ((await post(fixture, bytes)).status === 202 ? true : undefined));
    expect(fixture.dependencies.health.ready).toBe(true);
  });

  it('rejects at once while the log is not writable, with the reason, stays ready, and recovers with it', async () => {
    // One second may pass between two requests of a slow machine, and then the second is a probe.
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    let block: WriteBlock | undefined = {
      since: Date.now() - 60_000,
      reason: 'NOT_ENOUGH_REPLICAS on images-3',
    };
    let sends = 0;
    const failing = withSend((real, records) => {
      sends += 1;
      if (block === undefined) return real.send(records);
      return Promise.reject(new HeadwaterError('log-unavailable', 'NOT_ENOUGH_REPLICAS'));
    });
    const wrap = (log: Log) => Object.assign(failing(log), { blocked: () => block });
    await using fixture = await startIngestFixture({ wrap });
    const bytes = await makePicture('png');
    const label = () =>
      fetch(`${fixture.url}/v1/images/a/labels/digit`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: '{"label":"7"}',
      });
    expect((await refusal(await post(fixture, bytes))).code).toBe('log-unavailable');
    const answers = await Promise.all([post(fixture, bytes), post(fixture, bytes), label()]);
    for (const answer of answers) {
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
      expect(await answer.json()).toMatchObject({
        code: 'log-not-writable',
        detail: expect.stringMatching(
          /for 60 s \(NOT_ENOUGH_REPLICAS on images-3\); this request was not accepted/,
        ),
      });
    }
    expect(sends).toBe(1);
    expect(fixture.dependencies.health.ready).toBe(true);
    block = undefined;
    expect((await post(fixture, bytes)).status).toBe(202);
  });

  it('returns 503 when the log rejects records, without internal details', async () => {
    const wrap = withSend(() => Promise.reject(new HeadwaterError('log-unavailable', 'no broker answers')));
    await using fixture = await startIngestFixture({ wrap });
    expect((await refusal(await post(fixture, await makePicture('png')))).status).toBe(503);
    const broken = withSend(() => Promise.reject(new Error('secret of the inside')));
    await using other = await startIngestFixture({ wrap: broken });
    const response = await post(other, await makePicture('png'));
    expect(await response.text()).not.toContain('secret');
  });

  it('gives up on a body that never ends', async () => {
    await using fixture = await startIngestFixture({ environment: { BODY_TIMEOUT: '100ms' } });
    const { port } = new URL(fixture.url);
    const socket = createConnection(Number(port), '127.0.0.1');
    socket.write('POST /v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc');
    const answer = await new Promise<string>((resolve) =>
      socket.once('data', (data) => resolve(data.toString())),
    );
    socket.destroy();
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
  });

  it('stops in the midst of a burst with all that it accepted in the log', async () => {
    const fixture = await startIngestFixture();
    const bytes = await makePicture('png');
    const burst = Array.from({ length: 50 }, () =>
      post(fixture, bytes).then(
        ({ status }) => status,
        () => 'refused',
      ),
    );
    expect(await burst[0]).toBe(202);
    await fixture.stop();
    const accepted = (await Promise.all(burst)).filter((status) => status === 202).length;
    expect((await fixture.read('images')).length).toBeGreaterThanOrEqual(accepted);
  });

  it('keeps no place for a client that went away', async () => {
    await using fixture = await startIngestFixture({ environment: { MAX_IN_FLIGHT_REQUESTS: '1' } });
    const { port } = new URL(fixture.url);
    const socket = createConnection(Number(port), '127.0.0.1');
    socket.write('POST /v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc');
    const bytes = await makePicture('png');
    await eventually(async () => ((await post(fixture, bytes)).status === 503 ? true : undefined));
    socket.destroy();
    await eventually(async () => ((await post(fixture, bytes)).status === 202 ? true : undefined));
  });
});
