/**
 * `npm run bench -- heads`: asks each question of questions/, prints a table, and with --json one object as the last line of
 * standard output. Ends with 1 where a target is missed.
 */
import { parseArgs } from 'node:util';
import { openWorkplace } from './fixture.mjs';
import { checkKinds, kinds } from './kinds.mjs';
import { describeMachine } from './machine.mjs';
import { say } from './progress.mjs';
import { questions } from './questions/table.mjs';

const usage = `npm run bench -- heads [options]

  --json           one JSON object as the last line of standard output; progress goes to standard error
  --only A,B       ask these questions only
  --without A,B    leave these out
  --kinds A,B      kinds of heads, lda among them; default ${kinds.join(',')}
  --no-baselines   do not measure scikit-learn, NumPy and River beside (needs no Python)
  --help

Questions:
${questions.map(({ id, title }) => `  ${id.padEnd(17)}${title}`).join('\n')}
`;

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    without: { type: 'string', default: '' },
    kinds: { type: 'string', default: kinds.join(',') },
    'no-baselines': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

function chosenQuestions() {
  const known = questions.map(({ id }) => id);
  const list = (text) => text.split(',').filter((id) => id !== '');
  const only = options.only === undefined ? known : list(options.only);
  const without = list(options.without);
  const unknown = [...only, ...without].filter((id) => !known.includes(id));
  if (unknown.length > 0) throw new Error(`There is no question ${unknown.join(', ')}: see --help`);
  return questions.filter(({ id }) => only.includes(id) && !without.includes(id));
}

async function ask(question, workplace) {
  say(`\n${question.id}: ${question.title}`);
  const start = performance.now();
  const answer = await question.measure(workplace);
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  for (const { what, value, aim, met } of answer.targets) {
    say(`  ${met ? 'met   ' : 'MISSED'}  ${what}: ${value} (aim ${aim})`);
  }
  return { ...answer, seconds };
}

async function run() {
  const workplace = await openWorkplace({
    baselines: !options['no-baselines'],
    kinds: checkKinds(options.kinds.split(',')),
  });
  const answers = {};
  for (const question of chosenQuestions()) answers[question.id] = await ask(question, workplace);
  const targets = Object.values(answers).flatMap((answer) => answer.targets);
  const missed = targets.filter(({ met }) => !met);
  const result = {
    bench: 'heads',
    at: new Date().toISOString(),
    machine: describeMachine(),
    extractor: workplace.digits.extractor,
    baselines: workplace.python?.versions ?? null,
    answers,
    targets: { met: targets.length - missed.length, missed: missed.map(({ what }) => what) },
  };
  say(`\n${targets.length - missed.length} of ${targets.length} targets met`);
  if (options.json) console.log(JSON.stringify(result));
  process.exitCode = missed.length === 0 ? 0 : 1;
}

if (options.help) console.log(usage);
else await run();
