import { expect, test } from 'vitest';
import { type BrokerNode, brokerSettings } from './broker-settings.ts';

const node = (id: number): BrokerNode => ({ id, port: 9_000 + id, controllerPort: 9_100 + id });

/** Settings of the first of several brokers. */
function settingsOf(count: number, first: BrokerNode = node(1)): Map<string, string> {
  const nodes = [first, ...Array.from({ length: count - 1 }, (_, index) => node(index + 2))];
  const lines = brokerSettings(first, nodes, '/data').trimEnd().split('\n');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

const replicas = (settings: Map<string, string>) =>
  [
    'default.replication.factor',
    'min.insync.replicas',
    'offsets.topic.replication.factor',
    'transaction.state.log.replication.factor',
    'transaction.state.log.min.isr',
    'unclean.leader.election.enable',
  ].map((name) => settings.get(name));

test('three brokers replicate like in production, also internal topics', () => {
  expect(replicas(settingsOf(3))).toEqual(['3', '2', '3', '3', '2', 'false']);
  expect(settingsOf(3).get('controller.quorum.voters')).toBe(
    '1@127.0.0.1:9101,2@127.0.0.1:9102,3@127.0.0.1:9103',
  );
});

test('one broker replicates nothing', () => {
  expect(replicas(settingsOf(1))).toEqual(['1', undefined, '1', '1', '1', undefined]);
});

test('clients use the advertised port, and brokers their internal one', () => {
  const settings = settingsOf(3, { ...node(1), advertised: { port: 7_000, internalPort: 9_201 } });
  expect(settings.get('listeners')).toBe(
    'PLAINTEXT://127.0.0.1:9001,INTERNAL://127.0.0.1:9201,CONTROLLER://127.0.0.1:9101',
  );
  expect(settings.get('advertised.listeners')).toBe('PLAINTEXT://127.0.0.1:7000,INTERNAL://127.0.0.1:9201');
  expect(settings.get('inter.broker.listener.name')).toBe('INTERNAL');
});
