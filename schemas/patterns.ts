/** Forms of texts that the schemas and the code that reads such texts share. Without TypeBox, which a server that starts does not load. */

/** What a permission looks like; whether it permits anything there is, core/permissions.ts knows. */
export const permissionPattern = '^(\\*|[A-Za-z*][A-Za-z*-]*:[A-Za-z*][A-Za-z*/-]*(:[^\\s]+)?)$'

/** What an OAuth scope looks like. RFC 6749 section 3.3. */
export const oauthScopePattern = '^[!#-\\[\\]-~]+$'
