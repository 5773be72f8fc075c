import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@headwater/service-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classifyEnvironment } from './environment.ts';
import { describeSettings, openTaskSettings, type SettingsOf } from './task-settings.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-task-settings-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function open(yaml: string, environment: Record<string, string> = {}): Promise<SettingsOf> {
  const path = join(folder, 'tasks.yaml');
  writeFileSync(path, yaml);
  return openTaskSettings(loadConfig(classifyEnvironment, { ...environment, TASK_SETTINGS: path }));
}

async function refusal(yaml: string): Promise<string[]> {
  const error = await open(yaml).then(
    () => undefined,
    (thrown: unknown) => thrown as { readonly code: string; readonly message: string },
  );
  expect(error?.code).toBe('config-invalid');
  expect(error?.message).toContain(`TASK_SETTINGS: the file ${join(folder, 'tasks.yaml')}:`);
  return (error?.message ?? '').split('\n').map((line) => line.trim());
}

describe('the settings of a task', () => {
  it('are those of the environment where there is no file', async () => {
    const config = loadConfig(classifyEnvironment, { HEADS: 'lda,ncm', WINDOW: '30d', MLP_UNITS: '9' });
    const settingsOf = await openTaskSettings(config);
    expect(settingsOf('digit')).toMatchObject({
      kinds: ['lda', 'ncm'],
      window: { span: 2_592_000_000 },
      prior: 'uniform',
      lift: null,
      units: 9,
      maxExamples: 2 ** 27,
    });
  });

  it('are its own where the file names them, and those of the environment else', async () => {
    const yaml = `
tasks:
  digit: { heads: [lda, softmax], window: 5000 }
  defect: { heads: ridge, prior: empirical, window: 30d, lift: 2000, mlpUnits: 64, maxExamples: 7 }
  constructor: {}
`;
    const settingsOf = await open(yaml, { HEADS: 'ncm', LIFT: '8', WINDOW: '10' });
    const common = { kinds: ['ncm'], window: { newest: 10 }, prior: 'uniform', lift: 8, units: 500 };
    expect(settingsOf('digit')).toMatchObject({
      ...common,
      kinds: ['lda', 'softmax'],
      window: { newest: 5_000 },
      maxExamples: 2 ** 26,
    });
    expect(settingsOf('defect')).toMatchObject({
      kinds: ['ridge'],
      window: { span: 2_592_000_000 },
      prior: 'empirical',
      lift: 2_000,
      units: 64,
      maxExamples: 7,
    });
    for (const task of ['constructor', 'other', 'toString']) expect(settingsOf(task)).toMatchObject(common);
  });

  it('may do without what the environment sets', async () => {
    const yaml = 'tasks: { plain: { window: none, lift: none } }';
    const settingsOf = await open(yaml, { LIFT: '8', WINDOW: '10' });
    expect(describeSettings(settingsOf('plain'))).toEqual({
      heads: ['lda'],
      window: null,
      prior: 'uniform',
      lift: null,
      mlpUnits: 500,
      maxExamples: 2 ** 27,
    });
    expect(describeSettings(settingsOf('other'))).toMatchObject({ window: { newest: 10 }, lift: 8 });
  });

  it('report all errors at once, by task and key', async () => {
    const message = await refusal(`
tasks:
  digit: { heads: [lda, lda], windows: 5, lift: 6 }
  defect: { prior: equal, window: 0, heads: [], maxExamples: 0.5 }
  empty:
  odd: { window: { newest: 5 }, heads: none, lift: null }
`);
    const window = 'expected a number of examples such as 10000, or a time such as 30d, or none';
    const heads = 'expected some of lda, ridge, ncm, softmax, knn, mlp, each once, separated by commas';
    const known = 'there are heads, window, prior, lift, mlpUnits, maxExamples';
    expect(message).toContain(`task digit: heads: ${heads}`);
    expect(message).toContain(`task digit: windows: no such setting; ${known}`);
    expect(message).toContain('task digit: lift: expected a multiple of 4, or none');
    expect(message).toContain('task defect: prior: expected one of uniform, empirical');
    expect(message).toContain(`task defect: window: ${window}`);
    expect(message).toContain(`task defect: heads: ${heads}`);
    expect(message).toContain('task defect: maxExamples: expected a whole number from 1 to 134217728');
    expect(message).toContain(`task empty: expected settings such as "window: 30d"; ${known}`);
    expect(message).toContain(`task odd: window: ${window}`);
    expect(message).toContain(`task odd: heads: ${heads}`);
    expect(message).toContain('task odd: lift: expected a whole number from 4 to 16384, or none');
    expect(message).toHaveLength(12);
  });

  it.each([
    ['', 'expected "tasks:"'],
    ['tasks:', 'expected "tasks:"'],
    ['tasks: [digit]', 'expected "tasks:"'],
    ['digit: { window: 5 }', 'digit: not known'],
    ['tasks: { digit: { window: 5 } }\ndefaults: {}', 'defaults: not known'],
    ['tasks: { digit', 'is not YAML'],
    ['tasks: { digit: {}, digit: {} }', 'is not YAML'],
  ])('refuse a file that is something else: %j', async (yaml, reason) => {
    expect((await refusal(yaml)).join(' ')).toContain(reason);
  });

  it('name a file that cannot be read', async () => {
    const config = loadConfig(classifyEnvironment, { TASK_SETTINGS: join(folder, 'absent.yaml') });
    await expect(openTaskSettings(config)).rejects.toMatchObject({
      code: 'config-invalid',
      message: `TASK_SETTINGS: the file ${join(folder, 'absent.yaml')}: cannot be read (ENOENT)`,
    });
  });
});
