/** What tracing needs of a service's configuration. */
import type { Logger } from '@headwater/log';
import type { HideImageId } from '../logging/image-ids.ts';

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
type TracesSampler = (typeof tracesSamplers)[number];

export interface TracingOptions {
  /** Name of the service where OTEL_SERVICE_NAME is not set. */
  readonly name: string;
  readonly logger: Logger;
  readonly hideImageId?: HideImageId | undefined;
}
