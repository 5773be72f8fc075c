/** One Apicurio for all tests of this folder. They are never skipped, since they run on request only. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startApicurio } from './apicurio.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Confluent's interface of the schema registry. */
    readonly registryUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const logs = await mkdtemp(join(tmpdir(), 'headwater-interop-'));
  const apicurio = await startApicurio(join(logs, 'apicurio.log'));
  project.provide('registryUrl', apicurio.url);
  return async () => {
    await apicurio.stop();
    await rm(logs, { recursive: true, force: true });
  };
}
