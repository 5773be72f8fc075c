import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { createCounters, parse } from './counters.ts';
import type { SupervisedProcess } from './supervised.ts';

const text = (moves: number) => `# HELP headwater_kafka_leader_moves_total Moves.
headwater_kafka_leader_moves_total ${moves}
headwater_kafka_leader_moves_total_of_another_kind 99
headwater_kafka_produce_retries_total{reason="NOT_LEADER"} 2
headwater_kafka_produce_retries_total{reason="connection"} 3
`;

it('adds up the labels of a metric, and counts a missing one as 0', () => {
  expect(parse(text(4))).toEqual({ leaderMoves: 4, producesRetried: 5, unknownCommits: 0 });
});

it('keeps the last reading of a process that has ended', async () => {
  let moves = 3;
  let requests = 0;
  const server = createServer((_, response) => {
    requests += 1;
    response.end(text(moves));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const service = { pid: 1, isReady: true, metricsUrl: `http://127.0.0.1:${port}/metrics` };
  const counters = createCounters([service as SupervisedProcess]);
  // The second request follows the first reading.
  await expect.poll(() => requests, { timeout: 20_000 }).toBeGreaterThan(1);
  service.pid = 2;
  moves = 4;
  expect(await counters.close()).toEqual({ leaderMoves: 7, producesRetried: 10, unknownCommits: 0 });
  server.close();
});
