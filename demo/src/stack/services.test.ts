import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLifecycle, createLogger } from '@headwater/service-kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLocalStack } from './local-stack.ts';
import { readServiceConfigs } from './services.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-services-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function refusal(environment: Record<string, string>): Promise<string[]> {
  const own = { DATA_DIR: folder, EXTRACTOR: 'lenet-digits.v1', ...environment };
  const error = await readServiceConfigs(own, { usualPorts: false }).then(
    () => new Error('it was taken'),
    (thrown: Error) => thrown,
  );
  expect(error).toMatchObject({ code: 'config-invalid' });
  return error.message.split('\n');
}

describe('the configuration of all services', () => {
  it('is refused with all that is wrong in variables and in files, each once', async () => {
    const costs = write('costs.json', '{"digit": {"c1": {"c2": -1}}}');
    const settings = write('tasks.yaml', 'tasks: { digit: { lift: 6, windows: 5 } }');
    const lines = await refusal({
      COSTS_FILE: costs,
      TASK_SETTINGS: settings,
      PARTITIONS: 'many',
      MAX_CLASSES: '1',
      ENGINE_THREADS: 'x',
    });
    expect(lines[0]).toBe('invalid configuration:');
    const text = lines.join('\n');
    for (const part of [
      'PARTITIONS: ',
      'MAX_CLASSES: ',
      'ENGINE_THREADS: ',
      costs,
      settings,
      'task digit: lift',
    ]) {
      expect(text.split(part)).toHaveLength(2);
    }
  });

  it('is accepted with valid files', async () => {
    const costs = write('costs.json', '{"digit": {"c1": {"c2": 5}}}');
    const settings = write('tasks.yaml', 'tasks: { digit: { lift: 8 } }');
    const environment = {
      DATA_DIR: folder,
      EXTRACTOR: 'lenet-digits.v1',
      COSTS_FILE: costs,
      TASK_SETTINGS: settings,
    };
    const { classify } = await readServiceConfigs(environment, { usualPorts: false });
    expect(classify).toMatchObject({ COSTS_FILE: costs, TASK_SETTINGS: settings });
  });

  it('is refused before the local stack starts Kafka', async () => {
    const said: string[] = [];
    const logger = createLogger({ name: 'test', level: 'fatal' });
    const lifecycle = createLifecycle(logger);
    const opening = openLocalStack(
      {
        environment: { COSTS_FILE: join(folder, 'absent.json') },
        extractor: 'lenet-digits.v1',
        extractorFile: undefined,
        task: 'digit',
        partitions: undefined,
        brokers: undefined,
        dataDir: join(folder, 'data'),
        throwAway: true,
        keep: false,
        logger,
        say: (line) => said.push(line),
      },
      lifecycle,
    );
    await expect(opening).rejects.toThrow('COSTS_FILE: the file ');
    await lifecycle.close();
    expect(said).toEqual([]);
  });
});
