/** GPUs are rare on test machines: the choice is tested with fake hosts, and the refusal with the real engine. */
import { describe, expect, it } from 'vitest';
import { openNet } from '../engine-extractor.ts';
import { lenetDigits } from '../table/lenet-digits.ts';
import { createSessionOn, currentHost, type FixedProvider } from './onnx-provider.ts';

const host = (libraries: readonly FixedProvider[], gpu: boolean) => ({
  hasLibrary: (provider: FixedProvider) => provider === 'cpu' || libraries.includes(provider),
  hasGpu: () => gpu,
});

const works = async (provider: FixedProvider) => `a session on ${provider}`;

/** Simulates a library without a driver: every provider but the CPU fails. */
async function failsOnGpu(provider: FixedProvider): Promise<string> {
  if (provider !== 'cpu') throw new Error('no CUDA-capable device is detected');
  return 'a session on cpu';
}

describe('auto', () => {
  it('takes CUDA where it works, without a notice', async () => {
    const placed = await createSessionOn('auto', works, host(['cuda', 'tensorrt'], true));
    expect(placed).toEqual({ session: 'a session on cuda', provider: 'cuda', notes: [] });
  });

  it('falls back to the CPU, with the reason as a notice', async () => {
    const placed = await createSessionOn('auto', failsOnGpu, host(['cuda'], true));
    expect(placed.provider).toBe('cpu');
    expect(placed.notes).toEqual([expect.stringContaining('no CUDA-capable device is detected')]);
  });

  it('explains how to use an idle GPU, and has no notice without a GPU', async () => {
    const idle = await createSessionOn('auto', works, host([], true));
    expect(idle).toMatchObject({ provider: 'cpu', notes: [expect.stringContaining('npm rebuild')] });
    expect(await createSessionOn('auto', works, host([], false))).toMatchObject({
      provider: 'cpu',
      notes: [],
    });
  });
});

describe('a requested provider', () => {
  it.each(['cuda', 'tensorrt', 'cpu'] as const)('is used where it works: %s', async (provider) => {
    const placed = await createSessionOn(provider, works, host(['cuda', 'tensorrt'], true));
    expect(placed).toEqual({ session: `a session on ${provider}`, provider, notes: [] });
  });

  it('is rejected where its library is missing or fails', async () => {
    for (const libraries of [[], ['tensorrt']] as const) {
      await expect(createSessionOn('tensorrt', failsOnGpu, host(libraries, true))).rejects.toMatchObject({
        code: 'prerequisite-missing',
        message: expect.stringMatching(/requests TensorRT, which is not available: .+; auto/),
      });
    }
  });

  it('is not blamed for a net that fails on the CPU too', async () => {
    const broken = async () => {
      throw new Error('no such operator');
    };
    await expect(createSessionOn('cuda', broken, host(['cuda'], true))).rejects.toThrow('no such operator');
  });
});

describe('an extractor', () => {
  it('runs on the CPU on request, as its engine description states', async () => {
    const extractor = await openNet(lenetDigits, { threads: 1, provider: 'cpu' });
    expect(extractor.engine).toMatch(/^onnxruntime \S+ cpu, 1 thread$/);
    await extractor.close();
  });

  it.skipIf(currentHost.hasLibrary('cuda'))('does not open on a missing GPU', async () => {
    await expect(openNet(lenetDigits, { provider: 'cuda' })).rejects.toMatchObject({
      code: 'prerequisite-missing',
      message: expect.stringContaining('ENGINE_PROVIDER requests CUDA'),
    });
  });
});
