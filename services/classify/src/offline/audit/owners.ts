/**
 * The owner of a partition writes under its transactional id; a repair uses it in place of stopped services.
 */
import { HeadwaterError } from '@headwater/errors';
import type { ClusterClients } from '../../model-registry/head-catalog.ts';
import type { Owner } from './suspect.ts';

type Clients = Pick<ClusterClients, 'log' | 'names'>;

/** Errors: request-invalid while extract or the join has members. */
export async function requireStopped({ log, names }: Clients, extractors: readonly string[]): Promise<void> {
  const groups = [...extractors.map((extractor) => names.groups.extract(extractor)), names.groups.join];
  for (const group of groups) {
    const { length: members } = (await log.admin.describeGroup(group)).members;
    if (members === 0) continue;
    const message = `services are running (group ${group} has ${members} members): stop extract and classify before a repair`;
    throw new HeadwaterError('request-invalid', message, { context: { group, members } });
  }
}

/**
 * Ends the open transactions of killed services, so that all outputs before the committed offsets are
 * readable.
 */
export async function fenceOwners(
  clients: Clients,
  extractors: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const { log, names } = clients;
  const count = async (topic: string) => (await log.admin.partitions(topic)) ?? 0;
  const owners: Owner[] = [];
  for (const extractor of extractors) {
    const partitions = await count(names.topics.images);
    for (let partition = 0; partition < partitions; partition++)
      owners.push({ role: 'extract', extractor, partition });
  }
  const joined = await count(names.topics.labels);
  for (let partition = 0; partition < joined; partition++)
    owners.push({ role: 'join', extractor: '', partition });
  for (const owner of owners) {
    signal?.throwIfAborted();
    await (await log.openTransactions(transactionalIdOf(clients, owner))).close();
  }
}

function groupOf({ names }: Pick<Clients, 'names'>, { role, extractor }: Owner): string {
  return role === 'join' ? names.groups.join : names.groups.extract(extractor);
}

export function transactionalIdOf(clients: Pick<Clients, 'names'>, owner: Owner): string {
  return clients.names.transactionalId(groupOf(clients, owner), owner.partition);
}
