/** Ports of a local Kafka: those of the last start where they are free, so that clients find it again. */
import { readFile } from 'node:fs/promises';
import type { BrokerFolder } from './broker-folder.ts';
import type { BrokerNode } from './broker-settings.ts';
import { failed } from './failed.ts';
import { findFreePorts, isFree } from './ports.ts';

export interface WantedPorts {
  /** Of the first broker. */
  readonly port?: number | undefined;
  readonly advertisedPorts?: readonly number[] | undefined;
}

/** Errors: local-kafka-failed where the wanted port is taken. */
export async function chooseAddresses(
  folders: readonly BrokerFolder[],
  { port, advertisedPorts }: WantedPorts,
): Promise<BrokerNode[]> {
  const free = await findFreePorts(3 * folders.length);
  const take = () => free.pop() as number;
  const nodes: BrokerNode[] = [];
  for (const [index, folder] of folders.entries()) {
    const controllerPort = take();
    const chosen = await choosePort(folder, index === 0 ? port : undefined, take());
    const proxy = advertisedPorts?.[index];
    const advertised = proxy === undefined ? undefined : { port: proxy, internalPort: take() };
    nodes.push({ id: index + 1, port: chosen, controllerPort, advertised });
  }
  return nodes;
}

async function choosePort(folder: BrokerFolder, wanted: number | undefined, free: number): Promise<number> {
  if (wanted !== undefined && wanted !== 0) {
    if (!(await isFree(wanted))) throw failed(`port ${wanted} is taken by another program`);
    return wanted;
  }
  const former = await readFile(folder.address, 'utf8').then(
    (json) => (JSON.parse(json) as { readonly port: number }).port,
    () => undefined,
  );
  return former !== undefined && (await isFree(former)) ? former : free;
}
