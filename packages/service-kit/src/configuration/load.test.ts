import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { commonEnvironment } from './common-environment.ts';
import { describeEnvironment } from './help.ts';
import { loadConfig } from './load.ts';
import { listVariables } from './variable-metadata.ts';
import { integer, list, port, secret } from './variables.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function refusal(run: () => unknown): HeadwaterError {
  try {
    run();
  } catch (error) {
    if (error instanceof HeadwaterError) return error;
    throw error;
  }
  throw new Error('no error was thrown');
}

describe('loadConfig', () => {
  test('returns typed values and defaults', () => {
    const config = loadConfig(commonEnvironment.extend({ HTTP_PORT: port().default(8080) }), {
      KAFKA_BROKERS: ' a:9092, b:9092 ,',
      KAFKA_TLS: 'YES',
      RETENTION_IMAGES: '36h',
      RETENTION_LABELS: 'forever',
      MAX_MESSAGE_BYTES: '2MiB',
      LOG_LEVEL: '',
    });
    expect(config).toMatchObject({
      KAFKA_BROKERS: ['a:9092', 'b:9092'],
      KAFKA_TLS: true,
      RETENTION_IMAGES: 129_600_000,
      RETENTION_LABELS: -1,
      MAX_MESSAGE_BYTES: 2_097_152,
      LOG_LEVEL: 'info',
      HTTP_PORT: 8080,
    });
  });

  test('lists all problems by name, with the expected form and without values', () => {
    const schema = commonEnvironment.extend({
      HTTP_PORT: port(),
      TASKS: list(),
      RATE: z.coerce.number().positive(),
    });
    const error = refusal(() =>
      loadConfig(schema, {
        KAFKA_TLS: 'hunter2',
        PARTITIONS: 'hunter2',
        HTTP_PORT: '70000',
        TOPIC_IMAGES: 'hunter2 hunter2',
        KAFKA_SASL_PASSWORD: 'hunter2',
        KAFKA_TLS_CERT: 'hunter2',
        SCHEMA_REGISTRY_URL: 'https://user:hunter2@registry',
        RETENTION_IMAGES: '7 weeks',
        RATE: '-1',
      }),
    );
    expect(error.code).toBe('config-invalid');
    const problems = error.message.split('\n').map((line) => line.trim());
    expect(problems).toContain('KAFKA_TLS: expected true or false');
    expect(problems).toContain('PARTITIONS: expected a whole number from 1 to 10000');
    expect(problems).toContain('HTTP_PORT: expected a whole number from 0 to 65535');
    expect(problems).toContain('TASKS: is not set; expected words separated by commas');
    expect(problems).toContain('TOPIC_IMAGES: expected letters, digits, dots, dashes and underscores');
    expect(problems).toContain('KAFKA_SASL_MECHANISM: is required with KAFKA_SASL_PASSWORD');
    expect(problems).toContain('KAFKA_TLS_KEY: is required with KAFKA_TLS_CERT');
    expect(problems).toContain(
      'SCHEMA_REGISTRY_URL: expected an http:// or https:// URL without credentials in it',
    );
    expect(problems.some((line) => line.startsWith('RETENTION_IMAGES: expected a time'))).toBe(true);
    expect(problems.some((line) => line.startsWith('RATE: '))).toBe(true);
    expect(error.message).not.toContain('hunter2');
    expect(problems).toHaveLength(11);
  });

  test('reads secrets from files', () => {
    const path = join(folder, 'password');
    writeFileSync(path, 'two words \n');
    const environment = {
      KAFKA_SASL_PASSWORD_FILE: path,
      KAFKA_SASL_USERNAME: 'me',
      KAFKA_SASL_MECHANISM: 'plain',
    };
    expect(loadConfig(commonEnvironment, environment).KAFKA_SASL_PASSWORD).toBe('two words ');
  });

  test('reports problems with the file of a secret', () => {
    const schema = z.object({ A: secret(), B: secret().optional() });
    const path = join(folder, 'absent');
    const { message } = refusal(() => loadConfig(schema, { A_FILE: path, B: 'x', B_FILE: path }));
    expect(message).toContain('A_FILE: cannot read the file (ENOENT)');
    expect(message).toContain('set either B or B_FILE, not both');
    expect(message).not.toContain('A: is not set');
  });

  test('accepts requirements of a caller for optional variables', () => {
    const required = { KAFKA_BROKERS: 'is needed here' };
    const { message } = refusal(() => loadConfig(commonEnvironment, { PARTITIONS: 'x' }, { required }));
    expect(message).toContain('KAFKA_BROKERS: is needed here');
    expect(message).toContain('PARTITIONS: ');
    expect(loadConfig(commonEnvironment, { KAFKA_BROKERS: 'a:1' }, { required }).KAFKA_BROKERS).toEqual([
      'a:1',
    ]);
  });

  test('accepts transformed schemas', () => {
    const schema = z.object({ A: integer().default(2) }).transform(({ A }) => ({ twice: 2 * A }));
    expect(loadConfig(schema, { A: '21' })).toEqual({ twice: 42 });
  });
});

describe('variable metadata', () => {
  test('all shared variables have a description and an expected form', () => {
    for (const { name, description, expected } of listVariables(commonEnvironment)) {
      expect([name, description]).toEqual([name, expect.stringMatching(/\.$/)]);
      expect([name, expected]).toEqual([name, expect.any(String)]);
    }
  });

  test('a shown default is a valid value', () => {
    for (const { name, default: shown } of listVariables(commonEnvironment)) {
      if (shown === undefined) continue;
      const written = loadConfig(commonEnvironment, { [name]: shown }) as Record<string, unknown>;
      expect([name, written[name]]).toEqual([
        name,
        (loadConfig(commonEnvironment, {}) as Record<string, unknown>)[name],
      ]);
    }
  });

  test('help shows names, defaults and secrets', () => {
    const help = describeEnvironment('headwater-extract', commonEnvironment.extend({ HTTP_PORT: port() }));
    expect(help).toContain('KAFKA_SASL_PASSWORD (secret)');
    expect(help).toContain('RETENTION_IMAGES\n    Retention of images in Kafka.\n');
    expect(help).toContain('; default 7d');
    expect(help).toMatch(/HTTP_PORT\n {4}a whole number from 0 to 65535; required/);
  });
});
