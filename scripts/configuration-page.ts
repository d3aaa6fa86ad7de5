export function configurationPage (): string { return '' }
