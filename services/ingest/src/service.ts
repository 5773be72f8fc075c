/** The ingest service: opens its parts, and closes them in the order that loses no record. */
import { asHeadwaterError } from '@headwater/errors';
import { checkExposure, listenHttp, openPeers } from '@headwater/http';
import { topicSpecs, waitAtMost } from '@headwater/log';
import { openCodec } from '@headwater/schemas';
import {
  prepareTopics,
  type Service,
  type ServiceDependencies,
  type StartService,
  stopBudget,
  topicOptions,
  warnOfReplication,
} from '@headwater/service-kit';
import type { FastifyInstance } from 'fastify';
import { startBlobExpiry } from './blob-expiry.ts';
import type { IngestConfig } from './environment.ts';
import { startFolderSource } from './folders/folder-source.ts';
import { createAdmission } from './http/admission.ts';
import { createHttp, type HttpOptions } from './http/server.ts';
import { limitsOf, openInputs, openSender } from './intake/inputs.ts';
import { sampleLoad } from './intake/intake-metrics.ts';
import { ImageLookup } from './tracking/image-lookup.ts';
import { followedTopics, openOutcomeFollower } from './tracking/outcome-follower.ts';
import { createServingTasks } from './tracking/serving-tasks.ts';
import { createTracker, type Tracker } from './tracking/tracker.ts';

/** Shares of the stop time: for requests, for sending the accepted records, and for the rest. */
const stopShares = { requests: 0.55, flush: 0.25, rest: 0.1 };
/** Long enough for a request that is arriving to get its response. */
const IDLE_CHECK_MS = 100;

type Dependencies = ServiceDependencies;

/** An unavailable blob store does not prevent the start: images that fit into a message do not need it. */
async function prepareBlobs({ blobs, logger }: Dependencies): Promise<void> {
  try {
    await blobs.prepare?.();
  } catch (thrown) {
    const { code, message } = asHeadwaterError(thrown);
    logger.warn(
      { code, reason: message },
      'cannot prepare the blob store; large images are rejected until it is available',
    );
  }
}

/** Errors: config-invalid, topic-missing, log-unavailable, schema-registry-unavailable. */
export const startIngest: StartService<IngestConfig> = async (config, dependencies) => {
  checkExposure(config);
  const { log, schemaIds, names, logger, health } = dependencies;
  await ensureTopics(config, dependencies);
  await prepareBlobs(dependencies);
  const expiry = startBlobExpiry(config, dependencies);
  const ready = health.part('ingest.http');
  const tracker = createTracker(config.TRACKED_IMAGES);
  const serving = createServingTasks(config.TASKS);
  const extractors = config.EXTRACTORS;
  const following = await openOutcomeFollower({
    log,
    schemaIds,
    names,
    extractors,
    tracker,
    serving,
    logger,
  });
  const sender = await openSender(config, dependencies);
  const { intake, labelWriter } = await openInputs(config, dependencies, sender);
  const admission = createAdmission({
    maxRequests: config.MAX_IN_FLIGHT_REQUESTS,
    maxBytes: config.MAX_IN_FLIGHT_BYTES,
    maxWaits: config.MAX_WAITING_REQUESTS,
    blocked: () => log.blocked() ?? sender.blocked(),
  });
  const lookup = await openLookup(config, dependencies, tracker);
  const { app, url } = await openHttp(config, dependencies, {
    intake,
    labelWriter,
    tracker,
    lookup,
    serving,
    admission,
  });
  const stopSampling = sampleLoad(dependencies.metrics, () => ({
    inFlightBytes: admission.bytes.used,
    inFlightRequests: admission.requests.used,
    waitingRequests: admission.waits.used,
    trackedImages: tracker.size,
  }));
  const source = startFolderSource(config, intake, logger);
  ready(true);
  logger.info({ url }, 'ingest is ready');

  const stop = async () => {
    const graceMs = stopBudget(config.STOP_GRACE).service;
    ready(false, 'stopping');
    stopSampling();
    source.stop();
    tracker.close();
    await closeHttp(app, stopShares.requests * graceMs);
    lookup.close();
    await sender.close(stopShares.flush * graceMs);
    // The remaining parts have no records to lose.
    const rest = Promise.allSettled([source.ended, expiry.stop(), following.close()]);
    await waitAtMost(stopShares.rest * graceMs, rest);
  };
  let stopping: Promise<void> | undefined;
  const service: Service = {
    name: 'ingest',
    url,
    stopped: Promise.all([following.stopped, source.ended]).then(() => undefined),
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
  service.stopped.catch((error) => health.fail(asHeadwaterError(error).message));
  return service;
};

/** With PEER_SECRET, the status of an image comes from classify and the topics, too. */
async function openLookup(
  config: IngestConfig,
  { log, names, schemaIds, logger }: Dependencies,
  tracker: Tracker,
): Promise<ImageLookup> {
  const { topics, groups } = names;
  const { EXTRACTORS: extractors } = config;
  return new ImageLookup({
    tracker,
    peers: await openPeers(config, { admin: log.admin, self: undefined, groups: [groups.join], logger }),
    log,
    images: await openCodec(schemaIds, 'ImageReceived', topics.images),
    imagesTopic: topics.images,
    joinGroup: groups.join,
    partitions: (await log.admin.partitions(topics.images)) ?? config.PARTITIONS,
    pending: [
      { topic: topics.images, groups: extractors.map(groups.extract) },
      ...extractors.map((extractor) => ({ topic: topics.vectors(extractor), groups: [groups.join] })),
    ],
  });
}

/** Creates or checks the topics that ingest writes and follows. */
async function ensureTopics(config: IngestConfig, { log, names, logger }: Dependencies): Promise<void> {
  const { EXTRACTORS: extractors, TOPICS_CREATE: create } = config;
  const used = new Set([names.topics.images, names.topics.labels, ...followedTopics(names, extractors)]);
  const specs = topicSpecs(names, topicOptions(config, extractors)).filter(({ name }) => used.has(name));
  await prepareTopics(log.admin, specs, create);
  await warnOfReplication(log.admin, used, logger);
}

async function openHttp(
  config: IngestConfig,
  { schemaIds, logger, metrics, tracing }: Dependencies,
  parts: Pick<HttpOptions, 'intake' | 'labelWriter' | 'tracker' | 'lookup' | 'serving' | 'admission'>,
): Promise<{ readonly app: FastifyInstance; readonly url: string }> {
  const app = await createHttp({
    ...parts,
    config,
    schemaIds,
    logger,
    metrics,
    tracing,
    limits: limitsOf(config),
    maxFormBytes: config.MAX_FORM_BYTES,
    maxFormFiles: config.MAX_FORM_FILES,
    bodyTimeoutMs: config.BODY_TIMEOUT,
    idleTimeoutMs: config.BODY_TIMEOUT,
  });
  return { app, url: await listenHttp(app, config) };
}

/** Stops listening, and waits for requests in progress, at most `timeoutMs`. */
async function closeHttp(app: FastifyInstance, timeoutMs: number): Promise<void> {
  const last = setTimeout(() => app.server.closeAllConnections(), timeoutMs);
  // Connections that were busy or being accepted when the close began are closed once they are idle.
  const idle = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK_MS);
  await app.close();
  clearInterval(idle);
  clearTimeout(last);
}
