// For `node --import`: the process can then load TypeScript modules. See hooks.mjs for why this is not tsx.
import { register } from 'node:module'

register('./hooks.mjs', import.meta.url)
