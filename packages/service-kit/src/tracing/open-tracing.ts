/** Loads OpenTelemetry where tracing is on. */
import type { Logger } from '@headwater/log';
import { type HideImageId, hideImageIds } from '../logging/image-ids.ts';
import type { Tracing } from './api.ts';

export interface TracingConfig {
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_HEADERS?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_TIMEOUT: number;
  readonly OTEL_SDK_DISABLED: boolean;
  readonly OTEL_SERVICE_NAME?: string | undefined;
  readonly OTEL_RESOURCE_ATTRIBUTES?: string | undefined;
  readonly OTEL_TRACES_SAMPLER: TracesSampler;
  readonly OTEL_TRACES_SAMPLER_ARG: number;
}

export const tracesSamplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
export type TracesSampler = (typeof tracesSamplers)[number];

export interface TracingOptions {
  /** Name of the service where OTEL_SERVICE_NAME is not set. */
  readonly name: string;
  readonly logger: Logger;
  readonly hideImageId?: HideImageId | undefined;
}

export function tracingOptionsOf(
  config: {
    readonly LOG_IMAGE_IDS: 'plain' | 'hashed';
    readonly LOG_IMAGE_IDS_KEY?: string | undefined;
  },
  service: string,
  logger: Logger,
): TracingOptions {
  const { LOG_IMAGE_IDS: imageIds, LOG_IMAGE_IDS_KEY: imageIdsKey } = config;
  return { name: `headwater-${service}`, logger, hideImageId: hideImageIds({ imageIds, imageIdsKey }) };
}

/** Undefined where tracing is off: no endpoint, or OTEL_SDK_DISABLED. */
export async function openTracing(
  config: TracingConfig,
  options: TracingOptions,
): Promise<Tracing | undefined> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: isDisabled } = config;
  if (endpoint === undefined || isDisabled) return undefined;
  const { startTracing } = await import('./start-tracing.ts');
  return startTracing(endpoint, config, options);
}
