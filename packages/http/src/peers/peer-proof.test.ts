import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxSkewMs, proveRequest, proveResponse, verifyRequest, verifyResponse } from './peer-proof.ts';

const secret = 's'.repeat(32);
const target = { audience: 'http://classify-1:8082', path: '/v1/tasks/digit/suspects?limit=3' };
const caller = { name: 'grafana', role: 'read' } as const;
const now = 1_700_000_000_000;

describe('the proof of a request', () => {
  const { header, nonce } = proveRequest(secret, target, caller, now);

  it('carries the name and the role of the caller', () => {
    expect(verifyRequest(secret, target, header, now)).toEqual({ caller, nonce });
  });

  it('holds for one process, one path, one secret and one minute', () => {
    const relayed = { ...target, audience: 'http://classify-2:8082' };
    const moved = { ...target, path: '/v1/tasks/other/suspects?limit=3' };
    expect(verifyRequest(secret, relayed, header, now)).toBeUndefined();
    expect(verifyRequest(secret, moved, header, now)).toBeUndefined();
    expect(verifyRequest('t'.repeat(32), target, header, now)).toBeUndefined();
    for (const skew of [-maxSkewMs - 1, maxSkewMs + 1])
      expect(verifyRequest(secret, target, header, now + skew)).toBeUndefined();
    expect(verifyRequest(secret, target, header, now + maxSkewMs)).toBeDefined();
  });

  it('does not hold with other claims', () => {
    const [, mac] = header.split('.');
    const claims = Buffer.from(JSON.stringify([now, nonce, 'admin', 'grafana'])).toString('base64url');
    expect(verifyRequest(secret, target, `${claims}.${mac}`, now)).toBeUndefined();
  });

  it('is not found in any other text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 600 }), (text) => {
        expect(verifyRequest(secret, target, text, now)).toBeUndefined();
      }),
    );
  });

  it('is new for each request', () => {
    expect(proveRequest(secret, target, caller, now).nonce).not.toBe(nonce);
  });
});

it('the proof of a response holds for its request, status and body alone', () => {
  const body = Buffer.from('{}');
  const proof = proveResponse(secret, 'nonce', 200, body);
  expect(verifyResponse(secret, 'nonce', { status: 200, body, proof })).toBe(true);
  expect(verifyResponse(secret, 'other', { status: 200, body, proof })).toBe(false);
  expect(verifyResponse(secret, 'nonce', { status: 404, body, proof })).toBe(false);
  expect(verifyResponse(secret, 'nonce', { status: 200, body: Buffer.from('[]'), proof })).toBe(false);
  expect(verifyResponse(secret, 'nonce', { status: 200, body, proof: '' })).toBe(false);
});
