import { X509Certificate } from 'node:crypto';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { createAuthority } from './certificates.ts';

test('certificates contain subject and issuer', () => {
  const authority = createAuthority();
  const root = new X509Certificate(authority.certificate);
  const leaf = new X509Certificate(
    authority.issue('broker', ['localhost', '127.0.0.1', 'kafka.test']).certificate,
  );
  expect(root.ca).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(leaf.verify(root.publicKey)).toBe(true);
  expect(leaf.checkIssued(root)).toBe(true);
  expect(leaf.checkHost('kafka.test')).toBe('kafka.test');
  expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(leaf.checkHost('elsewhere.test')).toBeUndefined();
  expect(leaf.verify(new X509Certificate(createAuthority().certificate).publicKey)).toBe(false);
});

test('TLS accepts certificates and rejects those of another authority', async () => {
  const authority = createAuthority();
  const { certificate: cert, key } = authority.issue('server');
  const server = createServer({ cert, key, minVersion: 'TLSv1.2' }, (socket) => socket.end('hello'));
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number };
  const greet = (ca: string) =>
    new Promise<string>((resolve) => {
      const socket: TLSSocket = connect({ host: '127.0.0.1', port, ca });
      socket
        .once('data', (data) => resolve(data.toString()))
        .once('error', ({ message }) => resolve(message));
    });
  expect(await greet(authority.certificate)).toBe('hello');
  expect(await greet(createAuthority().certificate)).toMatch(/certificate/);
  server.close();
});
