/** The role that each route of ingest requires; routes that are not listed require admin. */
import type { AccessTable } from '@headwater/http';

export const ingestAccess: AccessTable = {
  'GET /': 'read',
  'GET /openapi.json': 'read',
  'GET /v1/images/:id': 'read',
  'POST /v1/images': 'write',
  'DELETE /v1/images/:id': 'admin',
  'PUT /v1/images/:id/labels/:task': 'write',
  'DELETE /v1/images/:id/labels/:task': 'write',
  'POST /v1/labels': 'write',
  'GET /schemas/ids/:id': 'read',
  'GET /schemas/ids/:id/schema': 'read',
  'GET /schemas/types': 'read',
};
