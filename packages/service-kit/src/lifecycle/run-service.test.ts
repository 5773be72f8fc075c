import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';

/** Each test runs its own process, because it tests signals and exit codes. */
const library = JSON.stringify(new URL('../../dist/index.js', import.meta.url).href);
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly url?: string;
  readonly part?: string;
  readonly error?: {
    readonly code?: string;
    readonly message: string;
    readonly cause?: { readonly message: string };
  };
}

/** `body` is the body of `start(config, dependencies)`. */
function run(
  body: string,
  settings: {
    readonly environment?: Record<string, string>;
    readonly arguments?: string[];
    readonly needsKafka?: boolean;
  } = {},
) {
  const openLog = settings.needsKafka === true ? '' : 'openLog: () => createMemoryLog(),';
  const script = `
    import { HeadwaterError } from ${JSON.stringify(import.meta.resolve('@headwater/errors'))};
    import { createMemoryLog } from ${JSON.stringify(import.meta.resolve('@headwater/log'))};
    import { commonEnvironment, runService, variables } from ${library};
    await runService({
      name: 'headwater-test', ${openLog}
      environment: commonEnvironment.extend({ TASKS: variables.list().optional().describe('Tasks.') }),
      start: async (config, { logger, log }) => { ${body} },
    });`;
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', script, '--', 'main.js', ...(settings.arguments ?? [])],
    {
      env: { PATH: process.env.PATH, ADMIN_PORT: '0', ...settings.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const lines: Line[] = [];
  const raw: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    raw.push(line);
    if (line.startsWith('{')) lines.push(JSON.parse(line));
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const find = (message: string) => lines.find(({ msg }) => msg === message);
  const logged = (message: string) =>
    expect.poll(() => find(message) ?? raw.join('\n'), { timeout: 20_000 }).toMatchObject({ msg: message });
  return { child, ended, lines, find, logged, output: () => output, errorOutput: () => raw.join('\n') };
}

const serving = `
  let end; const stopped = new Promise((resolve) => { end = resolve; });
  return { name: 'test', stopped, stop: async () => { logger.info({}, 'in flight is committed'); end(); } };`;

describe('a service in its own process', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'exits with 0 after %s, when work in flight is committed',
    async (signal) => {
      const service = run(serving);
      await service.logged('ready');
      service.child.kill(signal);
      expect(await service.ended).toBe(0);
      expect(service.lines.map(({ msg }) => msg).slice(-3)).toEqual([
        'stopping after a signal',
        'in flight is committed',
        'stopped',
      ]);
    },
  );

  test('exports the last spans before it ends', async () => {
    let exported = '';
    const collector = createHttpServer(async (request, response) => {
      exported += await text(request);
      response.end('{}');
    }).listen(0, '127.0.0.1');
    await once(collector, 'listening');
    const { port } = collector.address() as AddressInfo;
    const body = `
      await log.admin.ensureTopics([{ name: 'images', partitions: 1, settings: {} }], { create: true });
      const producer = await log.openProducer();
      await producer.send([{ topic: 'images', key: 'a', value: null }]);
      ${serving}`;
    const environment = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_BSP_SCHEDULE_DELAY: '60000',
    };
    const service = run(body, { environment });
    await service.logged('ready');
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(0);
    collector.close();
    expect(exported).toContain('send images');
    expect(exported).toContain('headwater-headwater-test');
  });

  test('serves probes from before the start until the end', async () => {
    const service = run(`
      await new Promise((resolve) => process.once('SIGUSR2', resolve));
      let end; const stopped = new Promise((resolve) => { end = resolve; });
      return { name: 'test', stopped, stop: () => new Promise((resolve) => process.once('SIGUSR2', resolve)).then(end) };`);
    await service.logged('serving probes and metrics');
    const url = service.find('serving probes and metrics')?.url ?? '';
    const probe = async () => {
      const response = await fetch(`${url}/readyz`);
      return `${response.status} ${((await response.json()) as { parts: Record<string, string> }).parts['headwater-test']}`;
    };
    expect(await probe()).toBe('503 starting');
    // On a slow machine, the signal could arrive before its handler is installed and end the process.
    await expect.poll(probe).toBe('503 starting');
    service.child.kill('SIGUSR2');
    await service.logged('ready');
    expect(await probe()).toBe('200 ok');
    service.child.kill('SIGTERM');
    await service.logged('stopping after a signal');
    expect(await probe()).toBe('503 stopping');
    service.child.kill('SIGUSR2');
    expect(await service.ended).toBe(0);
  });

  test('selects a free port for probes when the default one is in use, but fails where ADMIN_PORT is in use', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => squatter.once('listening', resolve));
    const ADMIN_PORT = String((squatter.address() as { readonly port: number }).port);
    const insisting = run(serving, { environment: { ADMIN_PORT } });
    expect(await insisting.ended).toBe(1);
    expect(insisting.find('fatal error')?.error?.code).toBe('config-invalid');
    const services = [
      run(serving, { environment: { ADMIN_PORT: '' } }),
      run(serving, { environment: { ADMIN_PORT: '' } }),
    ];
    await Promise.all(services.map((service) => service.logged('ready')));
    squatter.close();
  });

  test.each(['0s', '1h'])('does not wait after a second signal, with STOP_DRAIN_DELAY=%s', async (delay) => {
    const service = run(
      `return { name: 'test', stopped: new Promise(() => {}), stop: () => new Promise(() => {}),
        abandon: () => logger.info({}, 'abandoned') };`,
      { environment: { STOP_DRAIN_DELAY: delay } },
    );
    await service.logged('ready');
    service.child.kill('SIGTERM');
    await service.logged('stopping after a signal');
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(143);
    expect(service.find('abandoned')).toBeDefined();
  });

  test('abandons a component that hangs after its share of STOP_GRACE, names it and exits with 0', async () => {
    const service = run(
      `return { name: 'test', stopped: new Promise(() => {}), stop: () => new Promise(() => {}),
        abandon: () => logger.info({}, 'abandoned') };`,
      { environment: { STOP_GRACE: '2s' } },
    );
    await service.logged('ready');
    const begun = Date.now();
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(0);
    expect(Date.now() - begun).toBeLessThan(10_000);
    expect(service.find('component did not stop in time')).toMatchObject({
      part: 'headwater-test',
      seconds: 1.5,
    });
    await service.logged('abandoned');
  });

  test('exits with 1 when a component fails to stop', async () => {
    const service = run(
      `return { name: 'test', stopped: new Promise(() => {}), stop: async () => { throw new Error('oops'); } };`,
    );
    await service.logged('ready');
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(1);
    expect(service.find('component failed to stop')?.error?.message).toBe('oops');
  });

  test('continues for STOP_DRAIN_DELAY after a signal, not ready', async () => {
    const service = run(serving, { environment: { STOP_DRAIN_DELAY: '2s' } });
    await service.logged('ready');
    const url = service.find('serving probes and metrics')?.url ?? '';
    service.child.kill('SIGTERM');
    await service.logged('stopping after a signal');
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    expect(service.find('in flight is committed')).toBeUndefined();
    expect(await service.ended).toBe(0);
    await service.logged('in flight is committed');
  });

  test('can be stopped during its start', async () => {
    const service = run('return new Promise(() => {});');
    await service.logged('serving probes and metrics');
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(0);
  });

  test('exits with 1 after a fatal error, with code and cause', async () => {
    const service = run(`
      const stopped = Promise.resolve().then(() => {
        throw new HeadwaterError('store-unavailable', 'the store is gone', { cause: new Error('EIO') });
      });
      return { name: 'test', stopped, stop: async () => {} };`);
    expect(await service.ended).toBe(1);
    expect(service.find('fatal error')?.error).toMatchObject({
      code: 'store-unavailable',
      cause: { message: 'EIO' },
    });
  });

  test('exits with 1 when it cannot start', async () => {
    const service = run(`throw new HeadwaterError('topic-missing', 'no topics');`);
    expect(await service.ended).toBe(1);
    expect(service.find('fatal error')?.error?.code).toBe('topic-missing');
  });

  test.each([`setTimeout(() => { throw new Error('oops'); }, 1);`, `Promise.reject(new Error('oops'));`])(
    'exits with 1 after %s',
    async (body) => {
      const service = run(`${body} ${serving}`);
      expect(await service.ended).toBe(1);
      expect(service.find('uncaught exception')?.error?.message).toBe('oops');
    },
  );
});

describe('before a service starts', () => {
  test('rejects a local blob folder where other machines can reach the service', async () => {
    const service = run(serving, { environment: { ADMIN_HOST: '0.0.0.0' } });
    expect(await service.ended).toBe(1);
    expect(service.errorOutput()).toContain('BLOB_STORE_SHARED=true');
  });

  test('prints its variables with --help', async () => {
    const service = run(serving, { arguments: ['--help'], environment: { PARTITIONS: 'wrong' } });
    expect(await service.ended).toBe(0);
    expect(service.output()).toMatch(/^headwater-test takes no arguments/);
    expect(service.output()).toContain('TASKS\n    Tasks.\n    words separated by commas; optional');
  });

  test('rejects other arguments', async () => {
    const service = run(serving, { arguments: ['--port', '1'] });
    expect(await service.ended).toBe(2);
    expect(service.errorOutput()).toContain('--help');
  });

  test('reports missing brokers with a remedy, together with all other problems', async () => {
    const service = run(serving, { needsKafka: true, environment: { PARTITIONS: '0', LOG_LEVEL: 'loud' } });
    expect(await service.ended).toBe(1);
    expect(service.errorOutput()).toContain('3 problems');
    for (const words of ['KAFKA_BROKERS: is not set', 'headwater start', 'PARTITIONS: ', 'LOG_LEVEL: ']) {
      expect(service.errorOutput()).toContain(words);
    }
  });
});
