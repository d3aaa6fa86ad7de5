/**
 * The JavaScript that runs inside QuickJS before the user's code. It evaluates to a function of `emit` (hands a JSON text
 * to the thread) that returns `{ call, probe }`. Everything it needs later is captured here, so that user code that
 * replaces JSON.stringify or Error changes its own view only. It holds no power the user's code does not have, except `emit`.
 */
export const prelude = `(emit) => {
  'use strict'
  const { parse, stringify } = JSON
  const { Error, TypeError, InternalError, String, Number, Object } = globalThis
  const slice = Function.prototype.call.bind(String.prototype.slice)
  const isFinite = Number.isFinite
  const clientLevels = { __proto__: null, debug: 1, info: 1, notice: 1, warning: 1, error: 1, critical: 1, alert: 1, emergency: 1 }

  const send = (event) => { emit(stringify(event)) }
  const unavailable = (name) => { throw new Error(name + ' is not available in inline code') }

  const describe = (error) => {
    let message, stack
    try {
      if (typeof error === 'object' && error !== null && typeof error.message === 'string') {
        message = error.message === '' ? String(error.name) : error.message
        stack = typeof error.stack === 'string' ? error.stack : ''
      } else message = typeof error === 'string' ? error : stringify(error) ?? String(error)
    } catch { message = 'The code threw something that cannot be described.' }
    const memory = error instanceof InternalError && message === 'out of memory'
    return stringify({ memory, message: slice(message, 0, 10000), stack: slice(stack ?? '', 0, 10000) })
  }

  const show = (value) => {
    if (typeof value === 'string') return value
    if (value instanceof Error) return value.name + ': ' + value.message
    try { return stringify(value) ?? String(value) } catch { return String(value) }
  }
  const logger = (level) => (facts, sentence) => {
    if (typeof facts === 'object' && facts !== null) send({ type: 'logger', level, facts, sentence: sentence === undefined ? undefined : show(sentence) })
    else send({ type: 'logger', level, sentence: show(facts) })
  }
  const print = (level) => (...values) => {
    let sentence = ''
    for (let i = 0; i < values.length; i++) sentence += (i === 0 ? '' : ' ') + show(values[i])
    send({ type: 'logger', level, sentence })
  }

  const makeContext = (info) => ({
    ...info,
    progress (progress, total, message) {
      if (!isFinite(progress)) throw new TypeError('context.progress needs a finite number')
      if (total !== undefined && !isFinite(total)) throw new TypeError('the total of context.progress must be a finite number')
      send({ type: 'progress', progress, total, message: message === undefined ? undefined : show(message) })
    },
    log (level, data, logger) {
      if (clientLevels[level] === undefined) throw new TypeError('context.log needs a level: debug, info, notice, warning, error, critical, alert or emergency')
      send({ type: 'log', level, data, logger: logger === undefined ? undefined : show(logger) })
    },
    logger: { trace: logger('trace'), debug: logger('debug'), info: logger('info'), warn: logger('warn'), error: logger('error') },
    elicit () { unavailable('context.elicit') },
    sample () { unavailable('context.sample') },
    readResource () { unavailable('context.readResource') },
    db () { unavailable('context.db') },
    get redis () { return unavailable('context.redis') },
    get cache () { return unavailable('context.cache') },
    get signal () { return unavailable('context.signal') }
  })

  const define = (name, value) => { Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false }) }
  define('console', { log: print('info'), info: print('info'), debug: print('debug'), trace: print('trace'), warn: print('warn'), error: print('error') })
  for (const name of ['fetch', 'require', 'setTimeout', 'setInterval', 'setImmediate']) define(name, () => unavailable(name))

  const onlyJson = (key, value) => {
    const type = typeof value
    if (type === 'function' || type === 'symbol' || type === 'bigint') throw new TypeError('it holds a ' + type + (key === '' ? '' : ' at ' + stringify(key)))
    return value
  }
  const toText = (value, maxChars) => {
    if (value === undefined) return undefined
    let text
    try { text = stringify(value, onlyJson) } catch (error) {
      if (error instanceof InternalError) throw error
      throw new TypeError('The result cannot be sent as JSON: ' + parse(describe(error)).message)
    }
    if (text !== undefined && text.length > maxChars) throw new Error('The result is too large: ' + text.length + ' characters of JSON, and at most ' + maxChars + ' bytes are allowed')
    return text
  }

  return {
    async call (thunk, argsText, infoText, maxChars) {
      try {
        const run = thunk()
        if (typeof run !== 'function') throw new TypeError('The code is not a function')
        return toText(await run(parse(argsText), makeContext(parse(infoText))), maxChars)
      } catch (error) { throw describe(error) }
    },
    probe (thunk) {
      try { return typeof thunk() } catch (error) { return describe(error) }
    }
  }
}`
