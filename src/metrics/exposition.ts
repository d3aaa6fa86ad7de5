import { collectDefaultMetrics, Registry, type Metric } from '@platformatic/prom-client'
import { secondsBounds, type Durations } from '../core/durations.ts'
import { families, type Family, type Labels } from './families.ts'
import type { MetricSources } from './sources.ts'

/** What a scrape gets. */
export interface Exposition {
  readonly contentType: string
  /** All metrics as text. */
  write (): Promise<string>
}

/** Metrics of one app, and of the process that it runs in. Each app has a registry of its own: there may be several in a process. */
export function createExposition (sources: MetricSources): Exposition {
  const own = new Registry()
  for (const family of families) own.registerMetric(asMetric(family, sources))
  const ofProcess = processMetrics()
  return {
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    write: async () => `${await own.metrics()}\n${await ofProcess.metrics()}`
  }
}

let known: Registry | undefined

/** Of the process there is one, and whoever began to watch it cannot end that: so it is watched once, however many apps come and go. */
export function processMetrics (): Registry {
  if (known === undefined) {
    known = new Registry()
    collectDefaultMetrics({ register: known })
  }
  return known
}

/** One line of a scrape. */
interface Sample { readonly metricName: string, readonly labels: Readonly<Record<string, string | number>>, readonly sharedLabels: typeof sharedLabels, readonly value: number }

/** The library keeps the text of labels that lines share, by their object; without one, it keeps that of a new one for each line. */
const sharedLabels: Readonly<Record<string, never>> = Object.freeze({})

/**
 * A metric of the library whose values are those of the sources, read when they are asked for. This is all that a registry needs of one;
 * those of its own classes keep values themselves, and look up their labels whenever something is observed.
 */
function asMetric ({ name, help, type, read }: Family, sources: MetricSources): Metric {
  function get (): object {
    const values = [...read(sources)].flatMap(([labels, value]): Sample[] => typeof value === 'number' ? [{ metricName: name, labels, sharedLabels, value }] : bucketsOf(name, labels, value))
    return { name, help, type, aggregator: 'sum', values }
  }
  return { name, help, get, reset () {} } as unknown as Metric
}

/** Each bucket holds those below it, too. */
function bucketsOf (name: string, labels: Labels, { counts, sum }: Durations): Sample[] {
  let count = 0
  const buckets = counts.map((own, index) => {
    count += own
    return { metricName: `${name}_bucket`, labels: { ...labels, le: secondsBounds[index] ?? '+Inf' }, sharedLabels, value: count }
  })
  return [...buckets, { metricName: `${name}_sum`, labels, sharedLabels, value: sum }, { metricName: `${name}_count`, labels, sharedLabels, value: count }]
}
