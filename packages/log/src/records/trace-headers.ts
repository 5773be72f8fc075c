/**
 * The W3C trace context in the headers of a record (https://www.w3.org/TR/trace-context/). Any client may have
 * written them: what is too long or invalid counts as absent.
 */

export const traceHeaders = { parent: 'traceparent', state: 'tracestate' } as const;

/** Headers of an outgoing record. */
export interface TraceHeaders {
  readonly traceparent: string;
  readonly tracestate?: string;
}

type Headers = Readonly<Record<string, Buffer | string>>;

/** Versions after 00 may be longer; more than this is not read. */
const longestParent = 128;
/** Longest list that every participant must pass on. */
const longestState = 512;

const parentForm = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;
const stateForm = /^[\x20-\x7e]+$/;

/** The valid trace context of a record; undefined where it has none. */
export function traceHeadersOf(headers: Headers | undefined): TraceHeaders | undefined {
  if (headers === undefined) return undefined;
  const traceparent = read(headers, traceHeaders.parent, longestParent);
  if (traceparent === undefined || matchParent(traceparent) === null) return undefined;
  const tracestate = read(headers, traceHeaders.state, longestState);
  return tracestate === undefined || !stateForm.test(tracestate)
    ? { traceparent }
    : { traceparent, tracestate };
}

/** 32 hexadecimal digits; undefined where the record has no valid trace context. */
export function traceIdOf({ headers }: { readonly headers: Headers }): string | undefined {
  if (headers[traceHeaders.parent] === undefined) return undefined;
  const traceparent = read(headers, traceHeaders.parent, longestParent);
  return traceparent === undefined ? undefined : (matchParent(traceparent)?.[2] ?? undefined);
}

/** Version 00 has four fields; later ones may have more. */
function matchParent(text: string): RegExpExecArray | null {
  const match = parentForm.exec(text);
  return match !== null && match[1] === '00' && match[3] !== undefined ? null : match;
}

function read(headers: Headers, name: string, longest: number): string | undefined {
  const value = headers[name];
  if (value === undefined || value.length > longest) return undefined;
  return typeof value === 'string' ? value : value.toString('latin1');
}
