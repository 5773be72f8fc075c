/** Access to each route of classify; a route that is not listed requires the role admin. */
import type { AccessTable } from '@headwater/http';

export const classifyAccess: AccessTable = {
  'GET /': 'read',
  'GET /openapi.json': 'read',
  'GET /v1/tasks': 'read',
  'GET /v1/tasks/:task': 'read',
  'GET /v1/tasks/:task/head': 'read',
  'GET /v1/tasks/:task/heads': 'read',
  'POST /v1/tasks/:task/heads/:version/activate': 'admin',
  'DELETE /v1/tasks/:task/pin': 'admin',
  'GET /v1/tasks/:task/measurements': 'read',
  'GET /v1/tasks/:task/measurements/:kind': 'read',
  'GET /v1/tasks/:task/predictions': 'read',
  'GET /v1/tasks/:task/next': 'read',
  'GET /v1/tasks/:task/suspects': 'read',
  'GET /v1/tasks/:task/examples/:imageId/influence': 'read',
  'GET /v1/images/:imageId/neighbours': 'read',
  // For other processes of the installation alone.
  'GET /v1/peers/:question': 'read',
  'POST /v1/tasks/:task/classify': 'read',
};
