/** Reads the topics of the trial with an independent client. */
import { runPython } from '../audit/python-lines.ts';
import type { ReadAll } from './trial.ts';

export const readWithLibrdkafka =
  (brokers: readonly string[]): ReadAll =>
  async (topics, visit) => {
    for await (const line of runPython('read_numbered.py', { brokers: brokers.join(), topics })) {
      const [topic = '', partition = '', ...value] = line.split(' ');
      visit(topic, Number(partition), value.join(' '));
    }
  };
