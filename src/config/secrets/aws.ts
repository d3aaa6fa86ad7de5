import type { SecretsManagerClient, SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager'
import { isSet } from '../environment.ts'
import { member } from '../fault.ts'
import type { SecretContent } from './field.ts'
import { loadPackage } from './optional-package.ts'
import { isRefusal, type Outcome, type Refusal } from './outcome.ts'
import { maxAttempts, wayFailure, type SecretStore, type StoreOptions } from './store.ts'

/** AWS Secrets Manager. https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html */

/** Opens Secrets Manager. Region and credentials are found as AWS's own tools find them. */
export async function openAws ({ env, attemptMs, signal }: StoreOptions): Promise<Outcome<SecretStore>> {
  const loaded = await loadPackage('@aws-sdk/client-secrets-manager', () => import('@aws-sdk/client-secrets-manager'))
  if (isRefusal(loaded)) return loaded
  const { SecretsManagerClient: Client, GetSecretValueCommand } = loaded.value
  const client: SecretsManagerClient = new Client({
    ...settingsOf(env),
    maxAttempts,
    requestHandler: { connectionTimeout: attemptMs, requestTimeout: attemptMs, throwOnRequestTimeout: true }
  })

  async function read (id: string): Promise<Outcome<SecretContent>> {
    try {
      const { SecretString: text } = await client.send(new GetSecretValueCommand({ SecretId: id }), { abortSignal: signal })
      return text === undefined
        ? { problem: 'the secret in AWS Secrets Manager is binary, and a configuration holds text.', suggestion: 'Keep it as a SecretString.' }
        : { value: text }
    } catch (error) {
      return refusalOf(error)
    }
  }

  return { value: { read, close: () => { client.destroy() } } }
}

/** What the client reads from the environment of the process by itself is given to it where our environment says it: that has `.env`, too. */
function settingsOf (env: NodeJS.ProcessEnv): SecretsManagerClientConfig {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken, AWS_PROFILE: profile } = env
  const region = firstSet(env['AWS_REGION'], env['AWS_DEFAULT_REGION'])
  const endpoint = env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] === 'true' ? undefined : firstSet(env['AWS_ENDPOINT_URL_SECRETS_MANAGER'], env['AWS_ENDPOINT_URL'])
  const hasKeys = isSet(accessKeyId) && isSet(secretAccessKey) && !isSet(profile)
  return {
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(isSet(profile) && { profile }),
    ...(hasKeys && { credentials: { accessKeyId, secretAccessKey, ...(isSet(sessionToken) && { sessionToken }) } })
  }
}

function firstSet (...values: readonly (string | undefined)[]): string | undefined {
  return values.find(isSet)
}

/** Why there is no secret, by the name of the error. Its message is not used: it may hold more than is good to show. */
function refusalOf (error: unknown): Refusal {
  const name = error instanceof Error ? error.name : ''
  const code = String(member(error, 'code') ?? name)
  const known = refusals[name]
  if (known !== undefined) return known
  const way = wayFailure(code)
  if (way !== undefined) return { problem: `AWS Secrets Manager cannot be reached: ${way}.`, suggestion: 'Check the network and AWS_ENDPOINT_URL.' }
  if (error instanceof Error && error.message === 'Region is missing') return { problem: 'no AWS region is set.', suggestion: 'Set AWS_REGION.' }
  const status = member(member(error, '$metadata'), 'httpStatusCode')
  return { problem: `AWS Secrets Manager failed${typeof status === 'number' ? ` with status ${status}` : ''}${/^\w+$/.test(code) ? ` (${code})` : ''}.`, suggestion: 'Ask for it with "aws secretsmanager get-secret-value --secret-id …": that tells more.' }
}

const badCredentials: Refusal = { problem: 'AWS does not accept the credentials.', suggestion: 'Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or whatever else names them ("aws sts get-caller-identity").' }
const overloaded: Refusal = { problem: 'AWS Secrets Manager refuses more requests at the moment.', suggestion: 'Try again in a while.' }

const refusals: Readonly<Record<string, Refusal>> = {
  ResourceNotFoundException: { problem: 'AWS Secrets Manager has no such secret, or no value in it, in this region.', suggestion: 'Check the name with "aws secretsmanager list-secrets", and AWS_REGION.' },
  AccessDeniedException: { problem: 'AWS denies the permission.', suggestion: 'The role or user needs "secretsmanager:GetSecretValue" on the secret, and "kms:Decrypt" where it has a key of its own.' },
  InvalidRequestException: { problem: 'AWS Secrets Manager does not give this secret out: it is about to be deleted.', suggestion: 'Bring it back with "aws secretsmanager restore-secret".' },
  DecryptionFailure: { problem: 'AWS Secrets Manager cannot decrypt the secret.', suggestion: 'Its KMS key has to be enabled, and "kms:Decrypt" be allowed.' },
  InvalidParameterException: { problem: 'AWS Secrets Manager takes this for no name of a secret.', suggestion: 'Write its name or its ARN.' },
  ValidationException: { problem: 'AWS Secrets Manager takes this for no name of a secret.', suggestion: 'Write its name or its ARN.' },
  UnrecognizedClientException: badCredentials,
  InvalidClientTokenId: badCredentials,
  InvalidSignatureException: badCredentials,
  IncompleteSignature: badCredentials,
  ExpiredTokenException: badCredentials,
  ThrottlingException: overloaded,
  TooManyRequestsException: overloaded,
  CredentialsProviderError: { problem: 'there are no AWS credentials.', suggestion: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or give the machine or container a role.' }
}
