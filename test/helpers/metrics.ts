/** A scrape, read: the value of each series, by its name and labels as they stand there. */
export function readScrape (text: string): Map<string, number> {
  const series = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const match = /^(?<name>[a-z_][a-z0-9_]*(?:\{.*\})?) (?<value>\S+)$/.exec(line)
    if (match?.groups === undefined) throw new Error(`This line of a scrape cannot be read: ${line}`)
    const { name = '', value } = match.groups
    if (series.has(name)) throw new Error(`The series ${name} stands there twice.`)
    series.set(name, Number(value))
  }
  return series
}

/** The names of metrics, by the lines that say what kind they are. */
export function familiesOf (text: string): Map<string, string> {
  return new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]))
}
