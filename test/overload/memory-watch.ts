/** Resident memory of processes and their children over time, as reported by the system. */
import { readFileSync } from 'node:fs';

export interface MemoryReport {
  readonly peakBytes: number;
  /** Medians over the second and the last fifth of the time. */
  readonly earlyBytes: number;
  readonly lateBytes: number;
}

const everyMs = 250;

export function watchMemory(pids: Readonly<Record<string, number>>) {
  const samples = new Map<string, number[]>(Object.keys(pids).map((name) => [name, []]));
  const timer = setInterval(() => {
    for (const [name, pid] of Object.entries(pids)) samples.get(name)?.push(residentBytes(pid));
  }, everyMs);
  return {
    end(): Record<string, MemoryReport> {
      clearInterval(timer);
      return Object.fromEntries([...samples].map(([name, bytes]) => [name, report(bytes)]));
    },
  };
}

function report(bytes: readonly number[]): MemoryReport {
  const part = (from: number, to: number) =>
    median(bytes.slice(Math.floor(bytes.length * from), Math.ceil(bytes.length * to)));
  return { peakBytes: Math.max(0, ...bytes), earlyBytes: part(0.2, 0.4), lateBytes: part(0.8, 1) };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** Of a process and its children, such as decoders. */
function residentBytes(pid: number): number {
  const status = textOf(`/proc/${pid}/status`);
  const own = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  const children = textOf(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean);
  return children.reduce((sum, child) => sum + residentBytes(Number(child)), own);
}

/** Empty for a missing file: the process has ended. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
