import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { availableProcessors, concurrentDecodes, processorLimits } from './processors.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'headwater-cgroup-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  }
}

const mountsV2 = (group = '/', mountPoint = '/sys/fs/cgroup') =>
  `25 1 0:22 / /proc rw - proc proc rw\n30 23 0:26 ${group} ${mountPoint} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate`;
const mountsV1 = (group = '/', mountPoint = '/sys/fs/cgroup/cpu,cpuacct') =>
  `33 31 0:28 ${group} ${mountPoint} rw,relatime - cgroup cgroup rw,cpu,cpuacct\n34 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset`;

const quotaV1 = (folder: string, quota: number, period = 100_000) => ({
  [`sys/fs/cgroup/cpu,cpuacct${folder}/cpu.cfs_quota_us`]: String(quota),
  [`sys/fs/cgroup/cpu,cpuacct${folder}/cpu.cfs_period_us`]: String(period),
});

describe('with cgroup v2', () => {
  beforeEach(() => write({ 'proc/self/mountinfo': mountsV2(), 'proc/self/cgroup': '0::/pods/one' }));

  it.each([
    ['50000 100000', 0.5, 1],
    ['150000 100000', 1.5, 2],
    ['20000 10000', 2, 2],
    ['400000 100000', 4, 4],
    ['6400000 100000', 64, 8],
  ])('allows for a quota of %s, of 8 processors', (max, quota, processors) => {
    write({ 'sys/fs/cgroup/pods/one/cpu.max': max });
    expect(processorLimits(root, 8)).toEqual({ schedulable: 8, quota, processors });
  });

  it('knows no quota of "max"', () => {
    write({ 'sys/fs/cgroup/pods/one/cpu.max': 'max 100000' });
    expect(processorLimits(root, 8)).toEqual({ schedulable: 8, quota: undefined, processors: 8 });
  });

  it('takes the strictest quota of nested groups', () => {
    write({
      'sys/fs/cgroup/pods/one/cpu.max': '600000 100000',
      'sys/fs/cgroup/pods/cpu.max': '300000 100000',
    });
    expect(processorLimits(root, 8)).toMatchObject({ quota: 3, processors: 3 });
    write({ 'sys/fs/cgroup/pods/one/cpu.max': 'max 100000' });
    expect(processorLimits(root, 8)).toMatchObject({ quota: 3, processors: 3 });
  });

  it('never allows more processors than the cpuset has', () => {
    write({ 'sys/fs/cgroup/pods/one/cpu.max': '400000 100000' });
    expect(processorLimits(root, 2).processors).toBe(2);
  });

  it('reads the group of a container, mounted without those above it', () => {
    write({ 'proc/self/cgroup': '0::/', 'sys/fs/cgroup/cpu.max': '100000 100000' });
    expect(processorLimits(root, 8).processors).toBe(1);
    write({ 'proc/self/mountinfo': mountsV2('/docker/abc'), 'proc/self/cgroup': '0::/docker/abc' });
    expect(processorLimits(root, 8).processors).toBe(1);
    write({ 'proc/self/mountinfo': mountsV2('/../..'), 'proc/self/cgroup': '0::/../../x' });
    expect(processorLimits(root, 8).processors).toBe(1);
  });

  it('finds another mount point, whose name has a space', () => {
    write({
      'proc/self/mountinfo': mountsV2('/', '/mnt/c\\040groups'),
      'mnt/c groups/pods/cpu.max': '150000 100000',
    });
    expect(processorLimits(root, 8).processors).toBe(2);
  });
});

describe('with cgroup v1', () => {
  beforeEach(() =>
    write({
      'proc/self/mountinfo': mountsV1(),
      'proc/self/cgroup': '9:cpuset:/\n4:cpu,cpuacct:/kubepods/pod1/container\n0::/elsewhere',
    }),
  );

  it('allows for the quota of the group', () => {
    write(quotaV1('/kubepods/pod1/container', 250_000));
    expect(processorLimits(root, 8)).toEqual({ schedulable: 8, quota: 2.5, processors: 3 });
  });

  it('knows no quota of -1', () => {
    write(quotaV1('/kubepods/pod1/container', -1));
    expect(processorLimits(root, 8).quota).toBeUndefined();
  });

  it('takes the strictest quota of nested groups', () => {
    write({
      ...quotaV1('/kubepods/pod1/container', 400_000),
      ...quotaV1('/kubepods/pod1', 5_000, 10_000),
      ...quotaV1('', -1),
    });
    expect(processorLimits(root, 8)).toMatchObject({ quota: 0.5, processors: 1 });
  });

  it('reads the group of a container, mounted without those above it', () => {
    write({ 'proc/self/mountinfo': mountsV1('/kubepods/pod1/container'), ...quotaV1('', 150_000) });
    expect(processorLimits(root, 8).processors).toBe(2);
  });

  it('takes the stricter of two hierarchies', () => {
    write({
      'proc/self/mountinfo': `${mountsV1()}\n${mountsV2('/', '/sys/fs/cgroup/unified')}`,
      ...quotaV1('/kubepods/pod1', 300_000),
      'sys/fs/cgroup/unified/elsewhere/cpu.max': '200000 100000',
    });
    expect(processorLimits(root, 8).processors).toBe(2);
  });
});

it.each([
  ['nothing', {}],
  ['no control group', { 'proc/self/mountinfo': '', 'proc/self/cgroup': '' }],
  ['unreadable lines', { 'proc/self/mountinfo': 'x\n - \n1 2 3', 'proc/self/cgroup': ':::\nx\n0:' }],
  [
    'an unreadable quota',
    { 'proc/self/mountinfo': mountsV2(), 'proc/self/cgroup': '0::/', 'sys/fs/cgroup/cpu.max': 'a b' },
  ],
])('allows all processors that it may run on where it finds %s', (_, files) => {
  write(files);
  expect(processorLimits(root, 3)).toEqual({ schedulable: 3, quota: undefined, processors: 3 });
});

it('allows at least one processor, and no more than this process may run on', () => {
  expect(availableProcessors()).toBeGreaterThanOrEqual(1);
  expect(availableProcessors()).toBeLessThanOrEqual(availableParallelism());
});

it('decodes more images at once than there are processors only on a small machine', () => {
  expect([1, 2, 3, 4, 16].map((processors) => concurrentDecodes(processors))).toEqual([2, 4, 4, 4, 16]);
});
