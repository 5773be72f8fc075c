/** Traces of an image and of a label through the three services, as the exporter sends them to a collector. */
import { originalHeaders } from '@headwater/log';
import { expect, it } from 'vitest';
import {
  eventually,
  extractor,
  picture,
  sendImage,
  sendLabel,
  startThreeServices,
  type ThreeServices,
} from './testing/three-services.ts';
import {
  pathTo,
  type ReceivedSpan,
  startTraceReceiver,
  type TraceReceiver,
} from './testing/trace-receiver.ts';

const id = 'cam-1/7.png';
const vectors = `vectors.${extractor}`;

function startTraced(receiver: TraceReceiver, own: Readonly<Record<string, string>> = {}) {
  return startThreeServices({ environment: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...own } });
}

/** All spans of the trace that has a span of this name. */
function traceOf({ spans }: TraceReceiver, isOne: (span: ReceivedSpan) => boolean): ReceivedSpan[] {
  const found = spans.find(isOne);
  return spans.filter(({ traceId }) => traceId === found?.traceId);
}

function findPath(spans: readonly ReceivedSpan[], service: string, name: string): string[] {
  const last = spans.find((span) => span.service === service && span.name === name);
  return last === undefined ? [] : pathTo(spans, last);
}

const toPrediction = [
  'headwater-ingest: send images',
  'headwater-extract: process images',
  `headwater-extract: send ${vectors}`,
  `headwater-classify: process ${vectors}`,
  'headwater-classify: send predictions',
  'headwater-ingest: process predictions',
];

it('traces an image from its HTTP request to its prediction', async () => {
  await using receiver = await startTraceReceiver();
  await using services = await startTraced(receiver, { OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%20b' });
  expect(await sendImage(services, id, picture(0, 1))).toBe(200);
  await services.stop();
  const trace = traceOf(receiver, ({ name }) => name === 'POST /v1/images');
  expect(findPath(trace, 'headwater-ingest', 'process predictions')).toEqual([
    'headwater-ingest: POST /v1/images',
    ...toPrediction,
  ]);
  const process = trace.find(({ name }) => name === `process ${vectors}`);
  expect(process).toMatchObject({
    kind: 'consumer',
    isError: false,
    attributes: {
      'messaging.operation.type': 'process',
      'messaging.destination.name': vectors,
      'messaging.destination.partition.id': expect.stringMatching(/^[01]$/),
      'messaging.kafka.offset': 0,
      'messaging.kafka.message.key': id,
      'messaging.consumer.group.name': 'headwater.join',
    },
  });
  expect(trace.find(({ name }) => name === 'POST /v1/images')).toMatchObject({
    kind: 'server',
    attributes: { 'http.route': '/v1/images', 'http.response.status_code': 200 },
  });
  const commit = receiver.spans.find(({ name }) => name === 'commit images');
  expect(commit).toMatchObject({ kind: 'client', links: [trace[0]?.traceId] });
  expect(receiver.requests[0]).toMatchObject({ url: '/v1/traces', 'api-key': 'a b' });
});

it('traces a label from its HTTP request to the head that serves it', async () => {
  await using receiver = await startTraceReceiver();
  await using services = await startTraced(receiver);
  for (const [kind, label] of ['left', 'right'].entries()) {
    expect(await sendImage(services, label, picture(kind, 1))).toBe(200);
    expect(await sendLabel(services, label, label)).toBe(202);
  }
  const pathToHead = () => findPath(traceToHead(receiver), 'headwater-classify', 'process serving');
  // The processes export one after the other.
  await eventually(() => pathToHead()[0]?.startsWith('headwater-ingest: PUT'));
  expect(pathToHead()).toEqual([
    'headwater-ingest: PUT /v1/images/:id/labels/:task',
    'headwater-ingest: send labels',
    'headwater-classify: process labels',
    'headwater-classify: send examples',
    'headwater-classify: send serving',
    'headwater-classify: process serving',
  ]);
  expect(findPath(traceToHead(receiver), 'headwater-classify', 'process examples').at(-2)).toBe(
    'headwater-classify: send examples',
  );
  // The other label leads there, too: by a span in its trace or by a head of its own.
  const labels = receiver.spans.filter(({ name }) => name.startsWith('PUT '));
  const reachesHead = (traceId: string) =>
    receiver.spans.some(
      (span) => span.traceId === traceId && ['send heads', 'contribute to heads'].includes(span.name),
    );
  await eventually(() => labels.every(({ traceId }) => reachesHead(traceId)));
});

/** The trace of the label whose head was seen to serve. */
function traceToHead(receiver: TraceReceiver): ReceivedSpan[] {
  return traceOf(
    receiver,
    ({ service, name }) => service === 'headwater-classify' && name === 'process serving',
  );
}

it('continues the trace of the client, in spans and in log lines of all services', async () => {
  await using receiver = await startTraceReceiver();
  await using services = await startTraced(receiver);
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  const headers = { traceparent, tracestate: 'vendor=opaque' };
  expect(await sendImage(services, id, picture(0, 1), headers)).toBe(200);
  await services.stop();
  const request = receiver.spans.find(({ name }) => name === 'POST /v1/images');
  expect(request).toMatchObject({ traceId, parent: '00f067aa0ba902b7' });
  const [prediction] = await services.records('predictions');
  expect(String(prediction?.headers.traceparent).split('-')[1]).toBe(traceId);
  expect(String(prediction?.headers.tracestate)).toBe('vendor=opaque');
  const traced = services.lines.filter((line) => line.traceId === traceId).map(({ name }) => name);
  expect(new Set(traced)).toEqual(new Set(['ingest', 'extract', 'classify']));
});

it('begins a trace with a record that another producer has written, whatever its trace header', async () => {
  await using receiver = await startTraceReceiver();
  await using services = await startTraced(receiver);
  const invalid = { traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, tracestate: 'x'.repeat(9_999) };
  await services.send({ topic: 'images', key: 'broken', value: Buffer.from('no record'), headers: invalid });
  const span = await eventually(() => receiver.spans.find(({ name }) => name === 'process images'));
  expect(span).toMatchObject({
    parent: undefined,
    isError: true,
    attributes: { 'error.type': 'wire-format-invalid' },
  });
  const line = services.lines.find(({ msg }) => msg === 'record sent to the dead-letter topic');
  expect(line).toMatchObject({ imageId: 'broken', traceId: span.traceId });
});

it('keeps the trace of a record through its dead letter and a retry', async () => {
  await using receiver = await startTraceReceiver();
  await using services = await startTraced(receiver);
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  await services.send({
    topic: 'images',
    key: 'a',
    value: Buffer.from('no record'),
    headers: { traceparent },
  });
  const [letter] = await eventually(async () => {
    const found = await services.records('images-dlt');
    return found.length > 0 && found;
  });
  // What a retry puts back.
  expect(String(originalHeaders(letter?.headers ?? {}).traceparent)).toBe(traceparent);
});

it('hashes image ids in spans where they are hashed in logs', async () => {
  await using receiver = await startTraceReceiver();
  await using services = await startTraced(receiver, { LOG_IMAGE_IDS: 'hashed' });
  expect(await sendImage(services, id, picture(0, 1))).toBe(200);
  expect(await sendLabel(services, id, 'left')).toBe(202);
  await eventually(() => receiver.spans.find(({ name }) => name === 'process examples'));
  await services.stop();
  expect(JSON.stringify(receiver.spans)).not.toContain('cam-1');
});

it('records no span of a trace that the sampler leaves out, and passes its id on', async () => {
  await using receiver = await startTraceReceiver();
  await using services = await startTraced(receiver, { OTEL_TRACES_SAMPLER: 'always_off' });
  expect(await sendImage(services, id, picture(0, 1))).toBe(200);
  await services.stop();
  expect(receiver.spans).toEqual([]);
  const [image] = await services.records('images');
  const [prediction] = await services.records('predictions');
  expect(String(image?.headers.traceparent)).toMatch(/-00$/);
  expect(traceIn(prediction)).toBe(traceIn(image));
});

function traceIn(record: Awaited<ReturnType<ThreeServices['records']>>[number] | undefined) {
  return String(record?.headers.traceparent).split('-')[1];
}

it('writes no trace headers where tracing is off', async () => {
  await using services = await startThreeServices();
  expect(await sendImage(services, id, picture(0, 1))).toBe(200);
  for (const topic of ['images', vectors, 'predictions']) {
    const records = await services.records(topic);
    expect(records).toHaveLength(1);
    expect(records[0]?.headers).not.toHaveProperty('traceparent');
  }
});

it('classifies images while the collector cannot be reached, and says so once', async () => {
  const receiver = await startTraceReceiver();
  await receiver[Symbol.asyncDispose]();
  await using services = await startTraced(receiver, { OTEL_EXPORTER_OTLP_TIMEOUT: '200' });
  for (const own of [1, 2, 3]) {
    expect(await sendImage(services, `image-${own}`, picture(0, own))).toBe(200);
  }
  await services.stop();
  const warnings = services.lines.filter(({ msg }) => msg.startsWith('cannot export traces'));
  expect(warnings.length).toBeGreaterThan(0);
  expect(warnings.length).toBeLessThanOrEqual(3);
});
