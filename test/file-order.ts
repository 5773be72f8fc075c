/**
 * Which file starts when: what runs longest begins first, so that nothing long is left for the end while the other cores have nothing to do. Tests
 * on Kafka, which wait more than they compute, come before the others. Without this a fresh checkout orders files by their size.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The longest first. Files that are not named come behind them, in the order of their last durations or of their sizes. */
const longest = [
  'test/start.test.ts',
  'services/extract/src/sharing.kafka.test.ts',
  'test/services.test.ts',
  'deploy/local-kafka/src/local-kafka.kafka.test.ts',
  'packages/log/src/kafka/group/partition-takeover.kafka.test.ts',
  'services/classify/src/process.kafka.test.ts',
  'test/faults/zombie.test.ts',
  'packages/log/src/kafka/kafka-defects.kafka.test.ts',
  'packages/log/src/kafka/kafka-log.kafka.test.ts',
  'test/secured.test.ts',
  'services/classify/src/classify.kafka.test.ts',
  'packages/extractors/src/table/contract.test.ts',
  'services/classify/src/offline/rebuild/backfill.test.ts',
  'packages/extractor-pipelines/src/net-files/tfjs-engine.test.ts',
  'packages/extractors/src/nets/onnx/graph-editing.test.ts',
  'packages/tfjs/src/training/trainer.test.ts',
  'packages/service-kit/src/lifecycle/run-service.test.ts',
  'services/classify/src/offline/exchange/exchange.test.ts',
  'packages/heads/src/models/head.test.ts',
];

function rank({ moduleId }: TestSpecification): number {
  const at = longest.findIndex((path) => moduleId.endsWith(`/${path}`));
  return at === -1 ? longest.length : at;
}

const isOnKafka = ({ project }: TestSpecification) => project.name === 'kafka';

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => Number(isOnKafka(b)) - Number(isOnKafka(a)) || rank(a) - rank(b));
  }
}
