/** The machine, without which figures mean little. */
import { cpus, loadavg, totalmem } from 'node:os';

export function describeMachine() {
  const processors = cpus();
  return {
    processor: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    loadOneMinute: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}
