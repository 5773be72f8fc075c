/** Runs the three services in this process, on one log, with one configuration. */
import {
  type ClassifyConfig,
  classifyEnvironment,
  openConfiguredFiles,
  startClassify,
} from '@headwater/classify';
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import { type ExtractConfig, extractEnvironment, startExtract } from '@headwater/extract';
import { type IngestConfig, ingestEnvironment, startIngest } from '@headwater/ingest';
import {
  type Environment,
  type Lifecycle,
  loadConfig,
  type Service,
  type ServiceDependencies,
  stopBudget,
} from '@headwater/service-kit';
import { ConfigurationProblems } from './configuration-problems.ts';
import { freePortOr0 } from './ports.ts';

export interface ServiceConfigs {
  readonly ingest: IngestConfig;
  readonly extract: ExtractConfig;
  readonly classify: ClassifyConfig;
}

/** Reads the configurations and the files that they name before any start, to report all problems at once. Errors: config-invalid. */
export async function readServiceConfigs(
  environment: Environment,
  options: { readonly usualPorts: boolean },
): Promise<ServiceConfigs> {
  const host = environment.HTTP_HOST ?? '127.0.0.1';
  const port = async (variable: string, usual: number) => {
    const given = environment[variable];
    if (given !== undefined && given !== '') return given;
    return String(options.usualPorts ? await freePortOr0(usual, host) : 0);
  };
  const http = async (variable: string, usual: number) => ({
    ...environment,
    HTTP_HOST: host,
    HTTP_PORT: await port(variable, usual),
  });
  const problems = new ConfigurationProblems();
  const [ofIngest, ofClassify] = [
    await http('INGEST_HTTP_PORT', 8080),
    await http('CLASSIFY_HTTP_PORT', 8082),
  ];
  const ingest = await problems.try(() => loadConfig(ingestEnvironment, ofIngest));
  const extract = await problems.try(() => loadConfig(extractEnvironment, environment));
  const classify = await problems.try(() => loadConfig(classifyEnvironment, ofClassify));
  const readable = classify ?? withoutInvalid(ofClassify);
  if (readable !== undefined) await problems.try(() => openConfiguredFiles(readable));
  problems.throwAny();
  // A missing one has been thrown.
  return { ingest, extract, classify } as ServiceConfigs;
}

/** Classify's configuration without its invalid variables, to check its files too; undefined where it needs them. */
function withoutInvalid(environment: Environment): ClassifyConfig | undefined {
  try {
    return loadConfig(classifyEnvironment, environment);
  } catch (thrown) {
    const { code, context } = asHeadwaterError(thrown);
    const wrong = String(context.variables ?? '').split(', ');
    if (code !== 'config-invalid' || !wrong.some((name) => environment[name])) return undefined;
    const rest = Object.entries(environment).filter(([name]) => !wrong.includes(name));
    return withoutInvalid(Object.fromEntries(rest));
  }
}

interface RunningServices {
  readonly ingest: Service;
  readonly extract: Service;
  readonly classify: Service;
  /** Rejects with the reason when any of them fails. */
  readonly stopped: Promise<unknown>;
}

/** In a run each service has its own variable for its port; error messages must name that one. */
function withOwnVariable(thrown: unknown, service: string): unknown {
  const { code, message, context } = asHeadwaterError(thrown);
  if (code !== 'config-invalid' || !message.startsWith('HTTP_PORT:')) return thrown;
  const own = message.replaceAll('HTTP_PORT', `${service.toUpperCase()}_HTTP_PORT`);
  return new HeadwaterError(code, own, { cause: thrown, context });
}

/** Starts the last service of the stream first, so that they stop in the order of the stream and no records are left between. */
export async function startServices(
  configs: ServiceConfigs,
  dependencies: ServiceDependencies,
  lifecycle: Lifecycle,
): Promise<RunningServices> {
  const open = (name: string, start: (own: ServiceDependencies) => Promise<Service>) =>
    lifecycle.open({
      name,
      open: () =>
        start({ ...dependencies, logger: dependencies.logger.child({ service: name }) }).catch((thrown) => {
          throw withOwnVariable(thrown, name);
        }),
      close: (service) => service.stop(),
      closeSeconds: stopBudget(configs.ingest.STOP_GRACE).service / 1_000,
      openSeconds: 120,
    });
  const classify = await open('classify', (own) => startClassify(configs.classify, own));
  const extract = await open('extract', (own) => startExtract(configs.extract, own));
  const ingest = await open('ingest', (own) => startIngest(configs.ingest, own));
  const stopped = Promise.all([ingest.stopped, extract.stopped, classify.stopped]);
  stopped.catch(() => undefined);
  return { ingest, extract, classify, stopped };
}
