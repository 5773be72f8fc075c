/** The network between clients and a broker: whole, cut in one direction, slow, dropped. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { BrokerProxy } from './broker-proxy.ts';

const opened: (BrokerProxy | Server | Socket)[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) {
    if ('destroy' in one) one.destroy();
    else if (one instanceof BrokerProxy) await one.close();
    else one.close();
  }
});

/** A server that sends back what it receives, and records it. */
async function setUp() {
  let received = '';
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received += chunk;
      socket.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy = await BrokerProxy.open();
  opened.push(server, proxy);
  proxy.leadTo((server.address() as AddressInfo).port);
  return { proxy, received: () => received };
}

function dial(proxy: BrokerProxy) {
  const socket = connect({ port: proxy.port, host: '127.0.0.1' });
  opened.push(socket);
  const client = { socket, returned: '', isClosed: false };
  socket.on('data', (chunk) => {
    client.returned += chunk;
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    client.isClosed = true;
  });
  return client;
}

const patient = { timeout: 20_000, interval: 5 };

describe('a proxy', () => {
  it('forwards large messages whole', async () => {
    const { proxy } = await setUp();
    const client = dial(proxy);
    const text = 'headwater '.repeat(400_000);
    client.socket.write(text);
    await expect.poll(() => client.returned.length, patient).toBe(text.length);
    expect(client.returned).toBe(text);
  });

  it('holds back only responses while they are cut, and forwards them when it heals', async () => {
    const { proxy, received } = await setUp();
    const client = dial(proxy);
    client.socket.write('a');
    await expect.poll(() => client.returned, patient).toBe('a');
    proxy.cut('responses');
    client.socket.write('b');
    await expect.poll(received, patient).toBe('ab');
    expect(client.returned).toBe('a');
    proxy.heal();
    await expect.poll(() => client.returned, patient).toBe('ab');
  });

  it('holds back requests while they are cut, also over new connections', async () => {
    const { proxy, received } = await setUp();
    proxy.cut('requests');
    const client = dial(proxy);
    client.socket.write('a');
    const other = dial(proxy);
    other.socket.write('b');
    await expect.poll(() => client.socket.bytesWritten + other.socket.bytesWritten, patient).toBe(2);
    expect(received()).toBe('');
    proxy.heal();
    await expect.poll(() => [client.returned, other.returned].join(''), patient).toBe('ab');
  });

  it('loses held bytes when connections are dropped', async () => {
    const { proxy, received } = await setUp();
    proxy.cut('responses');
    const client = dial(proxy);
    client.socket.write('a');
    await expect.poll(received, patient).toBe('a');
    proxy.drop();
    await expect.poll(() => client.isClosed, patient).toBe(true);
    proxy.heal();
    const next = dial(proxy);
    next.socket.write('c');
    await expect.poll(() => next.returned, patient).toBe('c');
    expect(client.returned).toBe('');
  });

  it('keeps the order of a slow connection', async () => {
    const { proxy } = await setUp();
    proxy.slow(20);
    const client = dial(proxy);
    for (const text of ['a', 'b', 'c', 'd']) client.socket.write(text);
    await expect.poll(() => client.returned, patient).toBe('abcd');
  });

  it('closes the connection of a client whose broker is away', async () => {
    const proxy = await BrokerProxy.open();
    opened.push(proxy);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    proxy.leadTo((server.address() as AddressInfo).port);
    await new Promise((resolve) => server.close(resolve));
    const client = dial(proxy);
    await expect.poll(() => client.isClosed, patient).toBe(true);
  });
});
