import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

/** Files of the SDK and the exporter that a process has loaded, before and after tracing was opened. */
function loadedFiles(environment: Readonly<Record<string, string>>): unknown {
  const entry = new URL('../../dist/index.js', import.meta.url).href;
  const script = `
    import { createRequire } from 'node:module';
    import { commonEnvironment, createLogger, loadConfig, openTracing, tracingOptionsOf } from ${JSON.stringify(entry)};
    const { cache } = createRequire(${JSON.stringify(entry)});
    // A library of metrics loads the API without the SDK.
    const isLoaded = () => Object.keys(cache).some((path) => /@opentelemetry.(?!api.)/.test(path));
    const before = isLoaded();
    const config = loadConfig(commonEnvironment, ${JSON.stringify(environment)});
    const tracing = await openTracing(config, tracingOptionsOf(config, 'test', createLogger({ name: 'test' })));
    console.log(JSON.stringify({ before, isOn: tracing !== undefined, after: isLoaded() }));
    await tracing?.close(100);`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  return JSON.parse(stdout);
}

const on = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };

it.each([
  ['without an endpoint', {}],
  ['where the SDK is disabled', { ...on, OTEL_SDK_DISABLED: 'true' }],
])('loads nothing of the SDK %s', (_, environment) => {
  expect(loadedFiles(environment)).toEqual({ before: false, isOn: false, after: false });
});

it('loads the SDK where there is an endpoint', () => {
  expect(loadedFiles(on)).toEqual({ before: false, isOn: true, after: true });
});
