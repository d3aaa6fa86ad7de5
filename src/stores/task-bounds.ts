/** How much a store of tasks may hold. */
export interface TaskBounds {
  /** Tasks in all. */
  maxTasks: number
  /** Tasks of one named principal. */
  maxTasksPerPrincipal: number
  /** Results, errors and questions of all tasks together. */
  maxTotalBytes: number
}
