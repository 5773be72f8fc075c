import { expect, it } from 'vitest';
import { traceHeadersOf, traceIdOf } from './trace-headers.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parent = `00-${traceId}-00f067aa0ba902b7-01`;
const headers = (traceparent: string, tracestate?: string) => ({
  traceparent: Buffer.from(traceparent),
  ...(tracestate === undefined ? {} : { tracestate: Buffer.from(tracestate) }),
});

it('reads the trace context of a record', () => {
  expect(traceHeadersOf(headers(parent, 'vendor=1'))).toEqual({
    traceparent: parent,
    tracestate: 'vendor=1',
  });
  expect(traceIdOf({ headers: headers(parent) })).toBe(traceId);
});

it('reads the first four fields of a later version', () => {
  expect(traceIdOf({ headers: headers(`cc-${traceId}-00f067aa0ba902b7-01-more`) })).toBe(traceId);
});

it.each([
  ['nothing', ''],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
  ['a span id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
  ['upper-case digits', parent.toUpperCase()],
  ['the forbidden version', `ff${parent.slice(2)}`],
  ['more fields than version 00 has', `${parent}-more`],
  ['a line break', `${parent}\n`],
  ['more than 128 bytes', `cc-${traceId}-00f067aa0ba902b7-01-${'x'.repeat(128)}`],
])('ignores a trace context with %s', (_, traceparent) => {
  expect(traceHeadersOf(headers(traceparent, 'vendor=1'))).toBeUndefined();
  expect(traceIdOf({ headers: headers(traceparent) })).toBeUndefined();
});

it.each([
  ['too long', `vendor=${'x'.repeat(512)}`],
  ['with control characters', 'vendor=\u0000'],
])('drops a trace state that is %s and keeps the trace', (_, tracestate) => {
  expect(traceHeadersOf(headers(parent, tracestate))).toEqual({ traceparent: parent });
});
