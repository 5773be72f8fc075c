/**
 * One entry for everything that is measured: `npm run bench -- NAME [options]`. Each bench is a script of its own, so that it can
 * also be run, profiled and read alone.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const benches = {
  heads: {
    script: 'heads/main.mjs',
    summary: 'accuracy, calibration and speed of heads on MNIST, beside scikit-learn, NumPy and River',
  },
  latency: {
    script: 'latency/main.mjs',
    summary: 'from a label to the first prediction by a head that has learned it, with everything running',
  },
  quantized: {
    script: 'extract/quantized.mjs',
    summary:
      'EfficientNet-Lite0 in 8-bit integers beside the float net: images a second, and what a head loses',
  },
  plumbing: {
    script: 'plumbing/main.mjs',
    summary: 'records a second through Kafka: produced by many callers, and copied in transactions',
  },
  rebalance: {
    script: 'rebalance/main.mjs',
    summary: 'seconds without output while processes join, leave, restart, or are lost',
  },
  decode: {
    script: 'decode/main.mjs',
    summary: 'processor time of decoding an image, also beside another checkout',
  },
  rebuild: {
    script: 'rebuild/main.mjs',
    summary: 'until a process with an empty disk is ready: from the topics, and from snapshots of the stores',
  },
  extract: { script: 'extract/throughput.mjs', summary: 'images a second through each extractor' },
};

const [name, ...rest] = process.argv.slice(2);
const bench = Object.hasOwn(benches, name ?? '') ? benches[name] : undefined;

if (bench === undefined) {
  const list = Object.entries(benches).map(([id, { summary }]) => `  ${id.padEnd(10)}${summary}`);
  const text = [
    'npm run bench -- NAME [options]',
    '',
    ...list,
    '',
    'Options of one: npm run bench -- NAME --help',
  ];
  const asked = name === '--help' || name === '-h';
  (asked ? process.stdout : process.stderr).write(`${text.join('\n')}\n`);
  process.exitCode = asked ? 0 : 2;
} else {
  const script = fileURLToPath(new URL(bench.script, import.meta.url));
  const child = spawn(process.execPath, [script, ...rest], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
  });
}
