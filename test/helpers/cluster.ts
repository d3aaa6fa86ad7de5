import type { Redis } from 'ioredis'
import type { RedisSection } from '../../schemas/config/storage.ts'
import type { Certificate } from './certificate.ts'
import { redisSection, startRedis, type RedisServer, type RedisServerOptions } from './redis.ts'
import { freePort, type Teardown } from './server.ts'
import { until } from './waiting.ts'

/** A real Redis Cluster for a test: three primaries, each with a third of the slots, on free ports; gone with the test. */
export interface RedisCluster {
  readonly nodes: readonly ClusterNode[]
  /** The `redis` section that leads to it, over its first node. */
  section (more?: Partial<RedisSection>): RedisSection
  /** The primary that has the keys of a group. */
  nodeOf (group: string): Promise<ClusterNode>
  /** Gives the keys of a group to another primary: where there are none. */
  move (group: string, to: ClusterNode): Promise<void>
  /** Adds a replica to a primary. Resolves when it could take over. */
  follow (primary: ClusterNode): Promise<ClusterNode>
}

export interface ClusterNode {
  readonly server: RedisServer
  readonly client: Redis
  readonly id: string
  /** Where it speaks TLS, if it does. */
  readonly tlsPort: number | undefined
}

const slots = 16_384
const primaries = 3

export interface RedisClusterOptions extends RedisServerOptions {
  /** Between nodes, and for clients beside what is in the clear. */
  tls?: Certificate
}

export async function startCluster (t: Teardown, options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const nodes: ClusterNode[] = []
  for (let each = 0; each < primaries; each++) nodes.push(await startNode(t, options))
  const [hub, ...others] = nodes
  if (hub === undefined) throw new Error('There are three.')

  for (const [index, { client }] of nodes.entries()) {
    const [first, next] = [Math.ceil(slots * index / primaries), Math.ceil(slots * (index + 1) / primaries)]
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
    await client.call('CLUSTER', 'ADDSLOTSRANGE', first, next - 1)
  }
  for (const other of others) await meet(other, hub)
  await Promise.all(nodes.map(async (node) => await untilComplete(node)))

  return {
    nodes,
    section: (more = {}) => redisSection({ cluster: [{ host: '127.0.0.1', port: hub.server.port }], ...(options.password !== undefined && { password: options.password }), ...more }),
    async nodeOf (group) {
      const slot = await hub.client.cluster('KEYSLOT', `{${group}}`)
      const node = nodes[Math.floor(slot * primaries / slots)]
      if (node === undefined) throw new Error('Every slot has a node.')
      return node
    },
    async move (group, to) {
      const slot = await hub.client.cluster('KEYSLOT', `{${group}}`)
      for (const { client } of [to, ...nodes]) await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id)
    },
    async follow (primary) {
      const replica = await startNode(t, options)
      await meet(replica, primary)
      await until('it knows the primary', async () => String(await replica.client.call('CLUSTER', 'NODES')).includes(primary.id))
      await replica.client.call('CLUSTER', 'REPLICATE', primary.id)
      await until('it follows', async () => /master_link_status:up/.test(await replica.client.info('replication')))
      // Only a replica that the others know is voted for.
      for (const { client } of nodes) await until('all know', async () => String(await client.call('CLUSTER', 'NODES')).includes(`slave ${primary.id}`))
      return replica
    }
  }
}

async function startNode (t: Teardown, { password, args = [], tls }: RedisClusterOptions): Promise<ClusterNode> {
  const tlsPort = tls === undefined ? undefined : await freePort()
  const encryption = tls === undefined ? [] : ['--tls-port', String(tlsPort), '--tls-cluster', 'yes', '--tls-cert-file', tls.certFile, '--tls-key-file', tls.keyFile, '--tls-ca-cert-file', tls.certFile, '--tls-auth-clients', 'no']
  // The port of the cluster bus would be ten thousand more, which free ports do not leave room for.
  const cluster = ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf', '--cluster-node-timeout', '1000', '--cluster-port', String(await freePort())]
  const server = await startRedis(t, {
    ...(password !== undefined && { password }),
    args: [...cluster, ...encryption, '--repl-diskless-sync-delay', '0', ...(password === undefined ? [] : ['--masterauth', password]), ...args]
  })
  const client = await server.client()
  return { server, client, id: String(await client.call('CLUSTER', 'MYID')), tlsPort }
}

async function meet (stranger: ClusterNode, { server, client }: ClusterNode): Promise<void> {
  const [, busPort] = await client.config('GET', 'cluster-port') as [string, string]
  await stranger.client.call('CLUSTER', 'MEET', '127.0.0.1', server.port, busPort)
}

async function untilComplete ({ client }: ClusterNode): Promise<void> {
  await until('the cluster is complete', async () => {
    const info = String(await client.call('CLUSTER', 'INFO'))
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${primaries}\r`) && info.includes(`cluster_slots_ok:${slots}`)
  })
}
