/** `headwater token`: what operators write into AUTH_TOKENS, and what they hand to whom. */
import { HeadwaterError } from '@headwater/errors';
import { type AccessRole, accessRoles, createToken, parseTokens } from '@headwater/service-kit';
import { type Command, Option } from 'commander';
import type { Console } from '../../terminal/console.ts';

interface CreateOptions {
  readonly name: string;
  readonly role: AccessRole;
  readonly json: boolean;
}

export function registerToken(program: Command, console: Console, finish: (code: number) => void): void {
  program
    .command('token')
    .description('Tokens for the HTTP interfaces.')
    .command('create')
    .description(
      'Make a token: the token itself, for whoever is to use it, and the line for AUTH_TOKENS_FILE, which holds its digest alone.',
    )
    .requiredOption('--name <name>', 'whose it is: letters, digits, dots, dashes and underscores')
    .addOption(
      new Option(
        '--role <role>',
        'read: look; write: add images and labels too; admin: erase and pin heads too',
      )
        .choices([...accessRoles])
        .makeOptionMandatory(),
    )
    .option('--json', 'print one JSON object', false)
    .action((options: CreateOptions) => finish(create(options, console)));
}

/** Errors: request-invalid. */
function create({ name, role, json }: CreateOptions, { stdout, stderr }: Console): number {
  const { token, line } = createToken({ name, role });
  if ('problem' in parseTokens(line)) {
    throw new HeadwaterError(
      'request-invalid',
      '--name: expected at most 64 letters, digits, dots, dashes and underscores',
    );
  }
  if (json) {
    stdout.write(`${JSON.stringify({ token, line })}\n`);
    return 0;
  }
  stderr.write('The token, which is shown this once; clients send it as Authorization: Bearer …\n\n');
  stdout.write(`${token}\n`);
  stderr.write(`\nThe line for the file of AUTH_TOKENS_FILE:\n\n${line}\n`);
  return 0;
}
