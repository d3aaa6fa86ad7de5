/**
 * The JavaScript that runs inside QuickJS before the user's code. The one power it has that the user's code lacks is `emit`,
 * which takes an event as JSON text. What it needs later it captures now, so that code which replaces JSON.stringify or
 * Error changes its own view and nothing else.
 *
 * It is in two parts because QuickJS compiles it for every call: most calls never need the second, `kitText`.
 */
export const core = `(emit, kitText) => {
  'use strict'
  const { Error, TypeError, SyntaxError, InternalError, String, JSON: { parse, stringify }, Object: { defineProperty }, Number: { isFinite }, eval: evaluate } = globalThis
  const slice = Function.prototype.call.bind(String.prototype.slice)

  let kit
  const open = () => kit ??= evaluate(kitText)({ emit, stringify, Error, TypeError, SyntaxError, InternalError, String, isFinite, slice })
  const lend = (target, name, enumerable) => defineProperty(target, name, {
    get: () => open()[name],
    set: (value) => { defineProperty(target, name, { value, writable: true }) },
    configurable: true,
    enumerable
  })

  lend(globalThis, 'console', false)
  for (const name of ['fetch', 'require', 'setTimeout', 'setInterval', 'setImmediate']) {
    const value = () => { throw new Error(name + ' is not available in inline code') }
    defineProperty(globalThis, name, { value, writable: true, configurable: true })
  }

  const makeContext = (context) => {
    for (const name of ['progress', 'log', 'logger', 'elicit', 'elicitUrl', 'sample', 'roots', 'suspend', 'startTask', 'announce', 'readResource', 'db']) lend(context, name, true)
    for (const name of ['redis', 'cache', 'signal']) lend(context, name, false)
    return context
  }

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
      throw new TypeError('The result cannot be sent as JSON: ' + parse(open().describe(error)).message)
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
      } catch (error) { throw open().describe(error) }
    },
    probe (thunk) {
      try { return typeof thunk() } catch (error) { return open().describe(error) }
    }
  }
}`

/** The second part: what reports to the host, what is refused, and what puts an error into words. */
export const kit = `(captured) => {
  'use strict'
  const { emit, stringify, Error, TypeError, SyntaxError, InternalError, String, isFinite, slice } = captured
  const levels = { __proto__: null, debug: 1, info: 1, notice: 1, warning: 1, error: 1, critical: 1, alert: 1, emergency: 1 }
  const send = (event) => {
    const text = stringify(event)
    emit(text.length > 65536 ? undefined : text)
  }
  const refuse = (name) => { throw new Error('context.' + name + ' is not available in inline code') }

  const show = (value) => {
    if (typeof value === 'string') return value
    try { return value instanceof Error ? value.name + ': ' + value.message : stringify(value) ?? String(value) } catch { return String(value) }
  }
  const text = (value) => value === undefined ? undefined : show(value)
  const logger = (level) => (facts, sentence) => {
    if (typeof facts === 'object' && facts !== null && !(facts instanceof Error)) send({ type: 'logger', level, facts, sentence: text(sentence) })
    else send({ type: 'logger', level, sentence: show(facts) })
  }
  const print = (level) => (...values) => {
    let sentence = ''
    for (let i = 0; i < values.length; i++) sentence += (i === 0 ? '' : ' ') + show(values[i])
    send({ type: 'logger', level, sentence })
  }

  return {
    describe (error) {
      let message, stack
      try {
        if (typeof error === 'object' && error !== null && typeof error.message === 'string') {
          message = error.message === '' ? String(error.name) : error.message
          stack = typeof error.stack === 'string' ? error.stack : ''
        } else message = typeof error === 'string' ? error : 'The code threw ' + (stringify(error) ?? String(error))
      } catch { message = 'The code threw something that cannot be described' }
      const memory = message === 'out of memory' && (error instanceof InternalError || error instanceof SyntaxError)
      return stringify({ memory, message: slice(message, 0, 10000), stack: slice(stack ?? '', 0, 10000) })
    },
    progress (progress, total, message) {
      if (!isFinite(progress)) throw new TypeError('context.progress needs a finite number')
      if (total !== undefined && !isFinite(total)) throw new TypeError('The total of context.progress must be a finite number')
      send({ type: 'progress', progress, total, message: text(message) })
    },
    log (level, data, logger) {
      if (levels[level] === undefined) throw new TypeError('context.log needs a level: debug, info, notice, warning, error, critical, alert or emergency')
      send({ type: 'log', level, data, logger: text(logger) })
    },
    logger: { trace: logger('trace'), debug: logger('debug'), info: logger('info'), warn: logger('warn'), error: logger('error') },
    console: { log: print('info'), info: print('info'), debug: print('debug'), trace: print('trace'), warn: print('warn'), error: print('error') },
    elicit () { refuse('elicit') },
    elicitUrl () { refuse('elicitUrl') },
    sample () { refuse('sample') },
    roots () { refuse('roots') },
    suspend () { refuse('suspend') },
    startTask () { refuse('startTask') },
    announce () { refuse('announce') },
    readResource () { refuse('readResource') },
    db () { refuse('db') },
    get redis () { return refuse('redis') },
    get cache () { return refuse('cache') },
    get signal () { return refuse('signal') }
  }
}`
