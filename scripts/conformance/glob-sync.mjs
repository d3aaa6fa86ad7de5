// Preload for Node before 22, which lacks the fs.globSync that the suite imports and (but for its tier-check command) never calls.
import { register } from 'node:module'

register('./glob-sync-hook.mjs', import.meta.url)
