import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Teardown } from './server.ts'

/** A certificate for 127.0.0.1 that signs itself, with its key, in PEM. */
export interface Certificate { key: string, cert: string, keyFile: string, certFile: string }

export function makeCertificate (t: Teardown): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-certificate-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1',
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', keyFile, '-out', certFile
  ], { stdio: 'ignore' })
  return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8'), keyFile, certFile }
}
