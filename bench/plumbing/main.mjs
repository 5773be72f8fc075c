/**
 * What Kafka and our own code around it cost: records of 20 KB that many callers produce, and the same records read, answered by 5 KB
 * each, and committed in transactions of four partitions. With `--peer`, another checkout is measured in the same run, in turns.
 *
 *   npm run bench -- plumbing [--records N] [--rounds N] [--brokers 1|3] [--peer FOLDER] [--json]
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startLocalKafka } from '@headwater/local-kafka';
import { checkoutsOf, median, medianRatio, readOptions, say } from '../paired.mjs';

const usage = `npm run bench -- plumbing [options]

  --records N     records of each measurement (6000)
  --rounds N      measurements of each checkout, in turns (3)
  --brokers N     brokers of the local Kafka: 1 or 3 (1)
  --peer FOLDER   another checkout, built, to compare with
  --json          one JSON object as the last line of standard output
`;

const options = readOptions(usage, {
  records: { type: 'string', default: '6000' },
  rounds: { type: 'string', default: '3' },
  brokers: { type: 'string', default: '1' },
});

const checkouts = checkoutsOf(options.peer);
const worker = fileURLToPath(new URL('worker.mjs', import.meta.url));

async function measure(root, brokers) {
  const env = { ...process.env, ROOT: root, BROKERS: brokers.join(','), RECORDS: options.records };
  const { stdout } = await promisify(execFile)(process.execPath, [worker], { env });
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

function summarize(rounds) {
  const of = (part, figure) => median(rounds.map((round) => round[part][figure]));
  return Object.fromEntries(
    ['produced', 'copied'].map((part) => [
      part,
      { perSecond: Math.round(of(part, 'perSecond')), cpuMs: Number(of(part, 'cpuMs').toFixed(3)) },
    ]),
  );
}

const dataDir = await mkdtemp(join(tmpdir(), 'headwater-plumbing-'));
const kafka = await startLocalKafka({ dataDir, brokers: Number(options.brokers) });
const results = Object.fromEntries(Object.keys(checkouts).map((name) => [name, []]));
try {
  for (let round = 0; round < Number(options.rounds); round += 1) {
    for (const [name, root] of Object.entries(checkouts)) {
      const result = await measure(root, kafka.brokers);
      results[name].push(result);
      say(
        `round ${round + 1}, ${name}: ${Math.round(result.produced.perSecond)} produced/s, ` +
          `${Math.round(result.copied.perSecond)} copied/s`,
      );
    }
  }
} finally {
  await kafka.stop();
  await rm(dataDir, { recursive: true, force: true });
}

const summary = Object.fromEntries(
  Object.entries(results).map(([name, rounds]) => [name, summarize(rounds)]),
);
if (summary.peer !== undefined) {
  const figures = (name, part) => results[name].map((round) => round[part].perSecond);
  const ratio = (part) => medianRatio(figures('ours', part), figures('peer', part));
  summary.ratio = {
    produced: Number(ratio('produced').toFixed(2)),
    copied: Number(ratio('copied').toFixed(2)),
  };
}
for (const [name, figures] of Object.entries(summary)) say(`${name}: ${JSON.stringify(figures)}`);
if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
