/**
 * The ACLs of each service, for a cluster that denies by default. Readers of whole tables fetch partitions without a
 * group.
 */
import type { Names } from '@headwater/log';
import { type CommonConfig, namesOf } from '@headwater/service-kit';

type AclOperation = 'Create' | 'Describe' | 'Read' | 'Write';

interface Acl {
  readonly service: 'ingest' | 'extract' | 'classify';
  readonly resource: 'topic' | 'group' | 'transactional-id';
  readonly name: string;
  readonly pattern: 'literal' | 'prefixed';
  readonly operations: readonly AclOperation[];
}

type TopicRights = readonly (readonly [topic: string, ...operations: AclOperation[]])[];

/** Reading and writing include describing. `Create` only where services may create topics. */
export function requiredAcls(config: CommonConfig, extractors: readonly string[]): Acl[] {
  const names = namesOf(config);
  const mayCreate = config.TOPICS_CREATE;
  return [
    ...topicAcls('ingest', ingestRights(names, extractors), mayCreate),
    // With PEER_SECRET, ingest asks the owner of an image, and looks for what no group has processed yet.
    ...[names.groups.join, ...extractors.map(names.groups.extract)].map(
      (name): Acl => ({
        service: 'ingest',
        resource: 'group',
        name,
        pattern: 'literal',
        operations: ['Describe'],
      }),
    ),
    ...topicAcls('extract', extractRights(names, extractors), mayCreate),
    ...extractors.flatMap((extractor) => groupAcls('extract', names, names.groups.extract(extractor))),
    ...topicAcls('classify', classifyRights(names, extractors), mayCreate),
    ...groupAcls('classify', names, names.groups.join),
    ...groupAcls('classify', names, names.groups.train),
  ];
}

function ingestRights({ topics }: Names, extractors: readonly string[]): TopicRights {
  const followed = [topics.images, ...extractors.map(topics.vectors)].map(topics.deadLetters);
  return [
    [topics.images, 'Read', 'Write'],
    [topics.labels, 'Write'],
    [topics.predictions, 'Read'],
    [topics.serving, 'Read'],
    ...extractors.map((extractor) => [topics.vectors(extractor), 'Read'] as const),
    ...followed.map((topic) => [topic, 'Read'] as const),
  ];
}

function extractRights({ topics }: Names, extractors: readonly string[]): TopicRights {
  return [
    [topics.images, 'Read'],
    ...extractors.map((extractor) => [topics.vectors(extractor), 'Write'] as const),
    [topics.deadLetters(topics.images), 'Write'],
  ];
}

function classifyRights({ topics }: Names, extractors: readonly string[]): TopicRights {
  const vectors = extractors.map(topics.vectors);
  return [
    // A label in the wrong partition, from another partitioner, is forwarded once.
    [topics.labels, 'Read', 'Write'],
    ...vectors.map((topic) => [topic, 'Read'] as const),
    [topics.examples, 'Read', 'Write'],
    [topics.heads, 'Read', 'Write'],
    [topics.serving, 'Read', 'Write'],
    [topics.predictions, 'Read', 'Write'],
    ...[topics.labels, topics.examples, ...vectors].map(
      (topic) => [topics.deadLetters(topic), 'Write'] as const,
    ),
  ];
}

function topicAcls(service: Acl['service'], rights: TopicRights, mayCreate: boolean): Acl[] {
  return rights.map(([name, ...operations]) => ({
    service,
    resource: 'topic',
    name,
    pattern: 'literal',
    operations: [...(mayCreate ? (['Create'] as const) : []), 'Describe', ...operations],
  }));
}

/** A partition's transactional id is the group's name and a number. */
function groupAcls(service: Acl['service'], names: Names, group: string): Acl[] {
  const first = names.transactionalId(group, 0);
  return [
    { service, resource: 'group', name: group, pattern: 'literal', operations: ['Describe', 'Read'] },
    {
      service,
      resource: 'transactional-id',
      name: first.slice(0, -1),
      pattern: 'prefixed',
      operations: ['Describe', 'Write'],
    },
  ];
}

/** As arguments of `kafka-acls.sh`, with a principal for each service. */
export function describeAcl({ service, resource, name, pattern, operations }: Acl): string {
  const rights = operations.map((operation) => `--operation ${operation}`).join(' ');
  const named = pattern === 'prefixed' ? ' --resource-pattern-type prefixed' : '';
  return `kafka-acls.sh --add --allow-principal User:${service} ${rights} --${resource} ${name}${named}`;
}
