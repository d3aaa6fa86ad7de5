import { Type, type Static } from '@sinclair/typebox'
import { closedObject, shortName, text } from '../primitives.ts'
import { PromptConfig } from '../prompt.ts'
import { ResourceConfig } from '../resource.ts'
import { ToolConfig } from '../tool.ts'
import { Host, Port } from './network.ts'
import { HealthSection, LoggingSection, MetricsSection } from './observability.ts'
import { SecuritySection } from './security.ts'
import { ClusterSection, ServerSection } from './server.ts'
import { CachingSection, DatabasesSection, RedisSection } from './storage.ts'

/**
 * The configuration file. The static type is what the loader hands out: defaults applied, byte sizes as numbers. In the file, every
 * key that has a default may be left out.
 */
export const Config = closedObject({
  $schema: Type.Optional(Type.String({ description: 'Where editors find the schema of this file.' })),
  name: shortName({ default: 'gantry', description: 'The name that clients are told.' }),
  version: shortName({ default: '1.0.0', description: 'The version that clients are told.' }),
  description: Type.Optional(text({ description: 'What this server is for.' })),
  instructions: Type.Optional(text({ description: 'How to use this server; clients may show it to the model.' })),
  host: Host,
  port: Port,
  tools: Type.Array(ToolConfig, { default: [], description: 'What models can call.', reloadable: true }),
  prompts: Type.Array(PromptConfig, { default: [], description: 'Prepared messages that users choose.', reloadable: true }),
  resources: Type.Array(ResourceConfig, { default: [], description: 'What clients can read.', reloadable: true }),
  security: SecuritySection,
  caching: Type.Optional(CachingSection),
  logging: LoggingSection,
  metrics: Type.Optional(MetricsSection),
  health: HealthSection,
  server: ServerSection,
  redis: Type.Optional(RedisSection),
  databases: Type.Optional(DatabasesSection),
  cluster: Type.Optional(ClusterSection)
}, { title: 'Gantry configuration' })
export type Config = Static<typeof Config>
