/** Loads OpenTelemetry where tracing is on. */
import type { Logger } from '@headwater/log';
import { hideImageIds } from '../logging/image-ids.ts';
import type { Tracing } from './api.ts';
import type { TracingConfig, TracingOptions } from './options.ts';

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
