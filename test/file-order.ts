/**
 * Which file starts when: what runs longest begins first, so that nothing long is left for the end while the other cores have nothing to do. Tests
 * on Kafka, which wait more than they compute, come before the others. Without this a fresh checkout orders files by their size.
 */
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/** The longest first. Files that are not named come behind them, in the order of their last durations or of their sizes. */
const longest = [
  'test/start.test.ts',
  'services/extract/src/sharing.kafka.test.ts',
  'test/services.test.ts',
  'deploy/local/src/local-kafka.kafka.test.ts',
  'packages/stream/src/log/kafka/lane-takeover.kafka.test.ts',
  'services/classify/src/process.kafka.test.ts',
  'test/faults/zombie.test.ts',
  'packages/stream/src/log/kafka/kafka-defects.kafka.test.ts',
  'packages/stream/src/log/kafka-log.kafka.test.ts',
  'test/secured.test.ts',
  'services/classify/src/classify.kafka.test.ts',
  'packages/extractors/src/extractors/contract.test.ts',
  'services/classify/src/backfill/backfill.test.ts',
  'packages/extractors/src/engines/tfjs/engine.test.ts',
  'packages/extractors/src/nets/onnx/surgery.test.ts',
  'packages/extractors/src/training/trainer.test.ts',
  'packages/stream/src/runtime/run-service.test.ts',
  'services/classify/src/exchange/exchange.test.ts',
  'packages/heads/src/head.test.ts',
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
