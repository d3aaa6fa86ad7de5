import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, run, type Teardown } from './server.ts'

const attempts = 5

/** A real nginx on a free port of 127.0.0.1, with the given blocks in its server. Gone with the test. Resolves with its port. */
export async function startNginx (t: Teardown, locations: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-nginx-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  const file = join(folder, 'nginx.conf')
  let failure: unknown
  // Another program may take the port that was free: then on another one.
  for (let attempt = 0; attempt < attempts; attempt++) {
    const port = await freePort()
    writeFileSync(file, configuration(folder, port, locations))
    try {
      await run(t, ['-p', folder, '-c', file], { command: 'nginx', cwd: folder }).line(/getrlimit/)
      return port
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

function configuration (folder: string, port: number, locations: string): string {
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`)
  // One process: workers would go on when their master is killed. It tells of its limits once it listens.
  return `daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr notice;
events {}
http {
  access_log off;
  ${places.join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    ${locations}
  }
}
`
}
