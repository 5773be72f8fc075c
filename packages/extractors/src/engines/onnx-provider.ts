/**
 * Selects the device for ONNX Runtime: the CPU, or an NVIDIA GPU with CUDA or TensorRT. A requested GPU that is not available
 * is an error; with `auto`, a notice states why a better provider is not used.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import type { Provider } from './api.ts';

export type FixedProvider = Exclude<Provider, 'auto'>;

/** The inputs of the choice, injectable so that it can be tested without a GPU. */
interface ProviderHost {
  /** Whether ONNX Runtime's own library for a provider is installed. */
  readonly hasLibrary: (provider: FixedProvider) => boolean;
  readonly hasGpu: () => boolean;
}

interface Placed<Session> {
  readonly session: Session;
  readonly provider: FixedProvider;
  /** Reasons why better providers are not used. */
  readonly notes: readonly string[];
}

type Create<Session> = (provider: FixedProvider) => Promise<Session>;

const names: Readonly<Record<FixedProvider, string>> = { cpu: 'CPU', cuda: 'CUDA', tensorrt: 'TensorRT' };
const advice =
  "ONNX Runtime's GPU libraries come with the install script of onnxruntime-node, which `npm ci` does not run here: `npm rebuild onnxruntime-node --ignore-scripts=false`";

const packageFolder = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));

export const currentHost: ProviderHost = {
  hasLibrary(provider) {
    if (provider === 'cpu') return true;
    const folder = join(packageFolder, 'bin', 'napi-v6', process.platform, process.arch);
    const stem = `onnxruntime_providers_${provider}`;
    return [`lib${stem}.so`, `${stem}.dll`].some((file) => existsSync(join(folder, file)));
  },
  hasGpu: () => existsSync('/dev/nvidia0'),
};

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

async function placeFreely<Session>(create: Create<Session>, host: ProviderHost): Promise<Placed<Session>> {
  const notes: string[] = [];
  if (host.hasLibrary('cuda')) {
    try {
      return { session: await create('cuda'), provider: 'cuda', notes };
    } catch (thrown) {
      notes.push(`CUDA is not used, running on the CPU: ${reasonOf(thrown)}`);
    }
  } else if (host.hasGpu()) {
    notes.push(`there is an NVIDIA GPU, but the net runs on the CPU; ${advice}`);
  }
  return { session: await create('cpu'), provider: 'cpu', notes };
}

function missing(provider: FixedProvider, reason: string, cause?: unknown): HeadwaterError {
  const message = `ENGINE_PROVIDER requests ${names[provider]}, which is not available: ${reason}; auto selects an available provider`;
  return new HeadwaterError('prerequisite-missing', message, cause === undefined ? {} : { cause });
}

/** If the net also fails on the CPU, the net itself is at fault. */
async function placeOn<Session>(
  provider: FixedProvider,
  create: Create<Session>,
  host: ProviderHost,
): Promise<Placed<Session>> {
  if (!host.hasLibrary(provider)) throw missing(provider, advice);
  try {
    return { session: await create(provider), provider, notes: [] };
  } catch (cause) {
    if (provider === 'cpu') throw cause;
    await create('cpu');
    throw missing(provider, reasonOf(cause), cause);
  }
}

/**
 * Opens a session on the requested provider. `auto` is CUDA where it works, else the CPU; TensorRT, which first builds an
 * engine for minutes, is used only on request. Errors: prerequisite-missing, and whatever `create` throws for the CPU.
 */
export async function createSessionOn<Session>(
  wanted: Provider,
  create: Create<Session>,
  host: ProviderHost = currentHost,
): Promise<Placed<Session>> {
  return wanted === 'auto' ? await placeFreely(create, host) : await placeOn(wanted, create, host);
}
