/** What programs that embed Gantry may rely on. Everything else is free to change. */

export { buildApp, EntryFaultsError } from './app.ts'
export type { AppOptions, GantryApp } from './app.ts'
export { defineTool } from './tools/define-tool.ts'
export type { DefinedTool, ToolOptions, ToolReturn } from './tools/define-tool.ts'

export { configFromObject, loadConfig, loadConfigFromObject } from './config/load.ts'
export type { Fault, LoadedConfig, LoadOptions, Notice, ObjectOptions } from './config/load.ts'
export { formatFaults } from './config/format-faults.ts'
export { validateConfig } from './validate.ts'
export type { ValidateOptions } from './validate.ts'
export type { Config } from '../schemas/config/index.ts'

// Those that a handler throws or meets. The others are told apart by their code.
export { ArgumentsInvalidError, CancelledError, NotAvailableError, ToolCallError, ToolFailedError, ToolTimeoutError } from './core/call-errors.ts'
export type { Mismatch } from './core/call-errors.ts'
export { GantryError, HandlerLoadError, ResourceUnknownError } from './core/errors.ts'
export type {
  CallToolResult, Clock, GetPromptResult, HandlerContext, HandlerDatabase, JsonObject, Logger, LogLevel, Principal, PromptHandler, QueryResult, ReadResourceResult, ResourceHandler, ToolHandler
} from './core/ports.ts'
