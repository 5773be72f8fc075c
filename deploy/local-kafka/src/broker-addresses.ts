/** Ports of a local Kafka: those of the last start if they are free, so that clients can reconnect. */
import { readFile } from 'node:fs/promises';
import type { BrokerFolder } from './broker-folder.ts';
import type { BrokerNode } from './broker-settings.ts';
import { failed } from './failed.ts';
import { findFreePorts, isFree } from './ports.ts';

interface WantedPorts {
  /** Port of the first broker. */
  readonly port?: number | undefined;
  readonly advertisedPorts?: readonly number[] | undefined;
}

/** Errors: local-kafka-failed where the requested port is in use. */
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
    if (!(await isFree(wanted)))
      throw failed(`port ${wanted} is in use by another program; end it, or choose another port`);
    return wanted;
  }
  const former = await readFile(folder.address, 'utf8').then(
    (json) => (JSON.parse(json) as { readonly port: number }).port,
    () => undefined,
  );
  return former !== undefined && (await isFree(former)) ? former : free;
}
