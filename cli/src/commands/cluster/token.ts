/** `headwater token`: tokens for users, and their entries in AUTH_TOKENS. */
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
    .description('Create a token for a user, and its line for AUTH_TOKENS_FILE, which has the digest alone.')
    .requiredOption('--name <name>', 'its holder: letters, digits, dots, dashes and underscores')
    .addOption(
      new Option(
        '--role <role>',
        'read: queries; write: also add images and labels; admin: also erase images and pin heads',
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
  stderr.write('The token is shown once; clients send it as Authorization: Bearer …\n\n');
  stdout.write(`${token}\n`);
  stderr.write(`\nThe line for the file of AUTH_TOKENS_FILE:\n\n${line}\n`);
  return 0;
}
