/**
 * The reference of the HTTP interfaces, from the OpenAPI documents of running services. The test fails when the page
 * is out of date; `npm run docs` writes it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFolderBlobStore } from '@headwater/blobs';
import { classifyEnvironment, startClassify } from '@headwater/classify';
import { ingestEnvironment, startIngest } from '@headwater/ingest';
import { createMemoryLog, topicSpecs } from '@headwater/log';
import { createFingerprintIds } from '@headwater/schemas';
import {
  createHealth,
  createLogger,
  createMetrics,
  loadConfig,
  namesOf,
  type Service,
  topicOptions,
} from '@headwater/service-kit';
import { expect, onTestFinished, test } from 'vitest';
import { type OpenApiDocument, renderOperations } from './openapi-page.ts';

const introduction = `# HTTP

<!-- Generated from the OpenAPI documents of the services by \`npm run docs\`; do not edit. -->

Each service serves this description as an OpenAPI document at \`/openapi.json\`. Errors are problem documents
(RFC 9457, \`application/problem+json\`) with \`type\`, \`title\`, \`status\`, \`detail\` and the \`code\` of
[errors](errors.md). A status of 503 has a \`Retry-After\` header. Tokens and roles: [access](access.md).`;

test('the page describes every route of both services', async () => {
  const { ingest, classify } = await readDocuments();
  const sections = [
    ['ingest', ingest],
    ['classify', classify],
  ] as const;
  const text = sections.map(([name, document]) => [`## ${name}`, ...renderOperations(document)].join('\n\n'));
  await expect(`${[introduction, ...text].join('\n\n')}\n`).toMatchFileSnapshot('reference/http.md');
});

async function readDocuments() {
  const dataDir = mkdtempSync(join(tmpdir(), 'headwater-docs-'));
  const variables = {
    EXTRACTORS: 'lenet-digits.v1',
    PARTITIONS: '1',
    REPLICATION_FACTOR: '1',
    DATA_DIR: dataDir,
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: '0',
    BLOB_STORE: join(dataDir, 'blobs'),
  };
  const ingestConfig = loadConfig(ingestEnvironment, variables);
  const classifyConfig = loadConfig(classifyEnvironment, variables);
  const log = createMemoryLog();
  const names = namesOf(classifyConfig);
  const dependencies = () => ({
    log,
    names,
    schemaIds: createFingerprintIds(),
    blobs: createFolderBlobStore({ root: variables.BLOB_STORE }),
    logger: createLogger({ name: 'docs', level: 'error' }),
    metrics: createMetrics({ processDefaults: false }),
    health: createHealth(),
  });
  const specs = topicSpecs(names, topicOptions(classifyConfig, [variables.EXTRACTORS]));
  await log.admin.ensureTopics(specs, { create: true });
  const ingest = await startIngest(ingestConfig, dependencies());
  const classify = await startClassify(classifyConfig, dependencies());
  onTestFinished(async () => {
    await Promise.all([ingest.stop(), classify.stop()]);
    await log.close();
    rmSync(dataDir, { recursive: true });
  });
  return { ingest: await readDocument(ingest), classify: await readDocument(classify) };
}

async function readDocument({ url }: Service): Promise<OpenApiDocument> {
  const response = await fetch(new URL('/openapi.json', url));
  return (await response.json()) as OpenApiDocument;
}
