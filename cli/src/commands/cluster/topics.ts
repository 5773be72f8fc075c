/**
 * `headwater topics`: creates the topics, or prints them and the ACLs, for clusters on which services may not create
 * topics.
 */
import { idOfExtractorFile } from '@headwater/extractor-pipelines';
import { extractorIds, isExtractorFile } from '@headwater/extractors';
import { createKafkaLog, type LogAdmin, type Names, type TopicSpec, topicSpecs } from '@headwater/log';
import {
  commonEnvironment,
  type Environment,
  kafkaOptions,
  loadConfig,
  namesOf,
  topicOptions,
} from '@headwater/service-kit';
import type { Console } from '../../terminal/console.ts';
import { describeAcl, requiredAcls } from './acls.ts';

export interface TopicsOptions {
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly extractor?: readonly string[] | undefined;
}

/** Errors: config-invalid, log-unavailable, topic-mismatch. */
export async function topics(options: TopicsOptions, console: Console): Promise<number> {
  const config = loadConfig(commonEnvironment, console.environment);
  const given = options.extractor ?? extractorsOf(console.environment);
  const extractors = await Promise.all(
    given.map((name) => (isExtractorFile(name) ? idOfExtractorFile(name) : name)),
  );
  const names = namesOf(config);
  const specs = topicSpecs(names, topicOptions(config, extractors));
  const acls = requiredAcls(config, extractors);
  if (options.json) console.stdout.write(`${JSON.stringify({ topics: specs, acls })}\n`);
  else {
    console.stdout.write(`${specs.map(describeTopic).join('\n')}\n`);
    if (options.dryRun) console.stdout.write(`\n${acls.map(describeAcl).join('\n')}\n`);
  }
  if (options.dryRun) return 0;
  const log = createKafkaLog(
    kafkaOptions(config),
    console.createLogger((line) => void console.stderr.write(`${line}\n`)),
  );
  try {
    await log.admin.ensureTopics(await withFreeDeadLetters(specs, names, log.admin), { create: true });
    console.stderr.write(`all ${specs.length} topics exist\n`);
    return 0;
  } finally {
    await log.close();
  }
}

/** Existing dead-letter topics keep their number of partitions: no state depends on it. */
function withFreeDeadLetters(
  specs: readonly TopicSpec[],
  names: Names,
  admin: LogAdmin,
): Promise<TopicSpec[]> {
  const deadLetters = new Set(specs.map(({ name }) => names.topics.deadLetters(name)));
  return Promise.all(
    specs.map(async (spec) => {
      if (!deadLetters.has(spec.name)) return spec;
      return { ...spec, partitions: (await admin.partitions(spec.name)) ?? spec.partitions };
    }),
  );
}

function extractorsOf(environment: Environment): readonly string[] {
  const given = (environment.EXTRACTORS ?? environment.EXTRACTOR ?? '').split(',');
  const ids = given.map((id) => id.trim()).filter((id) => id !== '');
  return ids.length > 0 ? ids : extractorIds();
}

function describeTopic({ name, partitions, replicationFactor, settings }: TopicSpec): string {
  const replicas =
    replicationFactor === undefined || replicationFactor === -1 ? 'default' : replicationFactor;
  const lines = Object.entries(settings).map(([setting, value]) => `    ${setting}=${value}`);
  return [`${name}  partitions=${partitions} replicas=${replicas}`, ...lines].join('\n');
}
