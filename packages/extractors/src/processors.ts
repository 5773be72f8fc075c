/**
 * How many processors this process may use: those that it may run on, and no more than its CPU quota. Threads and processes beyond
 * a quota do not compute more: they use it up early in each period, and everything stands still until the next.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { posix } from 'node:path';

export interface ProcessorLimits {
  /** Processors that the process may run on: those of the machine, or of its cpuset. */
  readonly schedulable: number;
  /** Processors' worth of time of the strictest control group (cgroup v1 or v2), e.g. 0.5; undefined without a quota. */
  readonly quota: number | undefined;
  /** What to size threads and processes by: the smaller of both, rounded up. */
  readonly processors: number;
}

/** Undefined where there is no such file, as on other systems than Linux. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function ratio(quota: number, period: number): number | undefined {
  return quota > 0 && period > 0 ? quota / period : undefined;
}

/** cgroup v2: `cpu.max` has `max 100000` or `50000 100000`. */
function quotaOfV2(folder: string): number | undefined {
  const [quota, period] = (read(posix.join(folder, 'cpu.max')) ?? '').trim().split(/\s+/);
  return ratio(Number(quota), Number(period));
}

/** cgroup v1: a quota of -1 is none. */
function quotaOfV1(folder: string): number | undefined {
  const numberIn = (file: string) => Number(read(posix.join(folder, file)) ?? Number.NaN);
  return ratio(numberIn('cpu.cfs_quota_us'), numberIn('cpu.cfs_period_us'));
}

interface Hierarchy {
  readonly version: 1 | 2;
  /** Folder at which it is mounted. */
  readonly mountPoint: string;
  /** The group that is mounted there: of a container often its own. */
  readonly mountedGroup: string;
  readonly quotaOf: (folder: string) => number | undefined;
}

/** Fields of /proc/self/mountinfo escape spaces and backslashes as octal numbers. */
function decodeOctal(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** The mounted hierarchies that may limit CPU time. */
function hierarchiesOf(mountinfo: string): readonly Hierarchy[] {
  return mountinfo.split('\n').flatMap((line): Hierarchy[] => {
    const [mount = '', rest = ''] = line.split(' - ');
    const [, , , mountedGroup, mountPoint] = mount.split(' ').map(decodeOctal);
    const [type, , options = ''] = rest.split(' ');
    if (mountedGroup === undefined || mountPoint === undefined) return [];
    const place = { mountPoint, mountedGroup };
    if (type === 'cgroup2') return [{ ...place, version: 2, quotaOf: quotaOfV2 }];
    const isCpu = type === 'cgroup' && options.split(',').includes('cpu');
    return isCpu ? [{ ...place, version: 1, quotaOf: quotaOfV1 }] : [];
  });
}

/** The group of this process in the hierarchy of a version; lines of /proc/self/cgroup are `id:controllers:path`. */
function groupOf(cgroup: string, version: 1 | 2): string | undefined {
  for (const line of cgroup.split('\n')) {
    const [, id, controllers = '', group] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (version === 2 ? id === '0' : controllers.split(',').includes('cpu')) return group;
  }
  return undefined;
}

/** The group and all above it, as far as they are mounted. The whole path is not below the mount in most containers. */
function foldersOf({ mountPoint, mountedGroup }: Hierarchy, group: string): string[] {
  const relative = posix.relative(mountedGroup, posix.join('/', group));
  const steps = relative.startsWith('..') ? [] : relative.split('/').filter((step) => step !== '');
  return [mountPoint, ...steps.map((_, index) => posix.join(mountPoint, ...steps.slice(0, index + 1)))];
}

function smallestQuota(root: string): number | undefined {
  const mountinfo = read(posix.join(root, 'proc/self/mountinfo'));
  const cgroup = read(posix.join(root, 'proc/self/cgroup'));
  if (mountinfo === undefined || cgroup === undefined) return undefined;
  const quotas = hierarchiesOf(mountinfo).flatMap((hierarchy) => {
    const folders = foldersOf(hierarchy, groupOf(cgroup, hierarchy.version) ?? '/');
    return folders.flatMap((folder) => hierarchy.quotaOf(posix.join(root, folder)) ?? []);
  });
  return quotas.length === 0 ? undefined : Math.min(...quotas);
}

/** `root` is another folder in tests only. A setting given by the user takes precedence over this. */
export function processorLimits(root = '/', schedulable = availableParallelism()): ProcessorLimits {
  const quota = smallestQuota(root);
  const processors = Math.max(1, Math.min(schedulable, Math.ceil(quota ?? schedulable)));
  return { schedulable, quota, processors };
}

/** Processors to size threads and processes by. */
export function availableProcessors(): number {
  return processorLimits().processors;
}

/**
 * Images to decode at once where the caller decodes: more than there are processors on a small machine, since some of them wait,
 * and no more than that, since each may be as large as the limits allow.
 */
export function concurrentDecodes(processors = availableProcessors()): number {
  return Math.min(2 * processors, Math.max(4, processors));
}
