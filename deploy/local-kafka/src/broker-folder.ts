/** File layout of a broker: settings, data and logs below one folder. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readTail } from './broker-process.ts';
import { failed } from './failed.ts';

function layOut(root: string) {
  return {
    root,
    data: join(root, 'data'),
    meta: join(root, 'data', 'meta.properties'),
    address: join(root, 'address.json'),
    settings: join(root, 'server.properties'),
    logSettings: join(root, 'log4j2.properties'),
    log: join(root, 'server.log'),
    output: join(root, 'server.out'),
  };
}

export type BrokerFolder = ReturnType<typeof layOut>;

/** A single broker uses the folder itself, several brokers use subfolders. The count of a data folder never changes. */
export async function createBrokerFolders(root: string, count: number): Promise<BrokerFolder[]> {
  const names = await readdir(root);
  const several = names.filter((name) => /^broker-\d+$/.test(name)).length;
  const former = names.includes('data') ? 1 : several;
  if (former !== 0 && former !== count) {
    throw failed(
      `the folder ${root} has data of ${former} broker(s); start ${former}, or choose another folder`,
    );
  }
  if (count === 1) return [layOut(root)];
  const folders = Array.from({ length: count }, (_, index) => layOut(join(root, `broker-${index + 1}`)));
  await Promise.all(folders.map((folder) => mkdir(folder.root, { recursive: true })));
  return folders;
}

/** The end of the broker's log and output, for error messages. */
export function logTail({ log, output }: BrokerFolder): string {
  return [readTail(log), readTail(output)].filter((tail) => tail !== '').join('\n');
}
