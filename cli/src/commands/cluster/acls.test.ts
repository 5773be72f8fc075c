import { commonEnvironment, loadConfig } from '@headwater/service-kit';
import { describe, expect, it } from 'vitest';
import { describeAcl, requiredAcls } from './acls.ts';

const aclsFor = (environment: Record<string, string>) =>
  requiredAcls(loadConfig(commonEnvironment, environment), ['lenet-digits.v1']);

describe('the rights of the services', () => {
  it('grant each service the reads and writes that it needs, and no more', () => {
    const lines = aclsFor({ TOPICS_CREATE: 'false' })
      .filter(({ service }) => service === 'extract')
      .map(({ resource, name, pattern, operations }) =>
        [resource, name, pattern, operations.join(' ')].join(' '),
      );
    expect(lines).toEqual([
      'topic images literal Describe Read',
      'topic vectors.lenet-digits.v1 literal Describe Write',
      'topic images-dlt literal Describe Write',
      'group headwater.extract.lenet-digits.v1 literal Describe Read',
      'transactional-id headwater.extract.lenet-digits.v1- prefixed Describe Write',
    ]);
  });

  it('follow the names that are set', () => {
    const acls = aclsFor({ TOPIC_PREFIX: 'team.', TOPIC_IMAGES: 'pictures', TRANSACTIONAL_ID_PREFIX: 'tx-' });
    const found = acls.map(({ name }) => name);
    expect(found).toContain('pictures');
    expect(found).toContain('team.labels');
    expect(found).toContain('tx-headwater.join-');
    expect(found).not.toContain('images');
  });

  it('include Create only where services create topics', () => {
    const wantsCreate = (environment: Record<string, string>) =>
      aclsFor(environment).some(({ operations }) => operations.includes('Create'));
    expect([wantsCreate({}), wantsCreate({ TOPICS_CREATE: 'false' })]).toEqual([true, false]);
  });

  it('are printed as commands', () => {
    const [join] = aclsFor({}).filter(
      ({ resource, name }) => resource === 'transactional-id' && name.includes('join'),
    );
    expect(join && describeAcl(join)).toBe(
      'kafka-acls.sh --add --allow-principal User:classify --operation Describe --operation Write --transactional-id headwater.join- --resource-pattern-type prefixed',
    );
  });
});
